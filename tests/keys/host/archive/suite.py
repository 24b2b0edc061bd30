"""The host's own test suite: every kind of Django test case seals and opens."""

from __future__ import annotations

from urllib.request import urlopen

from django.db import transaction
from django.test import LiveServerTestCase, TestCase, TransactionTestCase

from bt_security.keys import keyed_digest
from tests.keys.host.archive.models import Letter


class Sealing:
    """Each test begins with what the one before it left of the keys."""

    def seal_and_open(self):
        assert not Letter.objects.exists()
        letter = Letter.objects.create(body="x")
        assert Letter.objects.get(pk=letter.pk).body == "x"

    def test_first(self):
        self.seal_and_open()

    def test_second(self):
        self.seal_and_open()

    def test_savepoint(self):
        with transaction.atomic():
            self.seal_and_open()
            transaction.set_rollback(True)
        self.seal_and_open()

    def test_digest(self):
        assert keyed_digest("host", b"x") == keyed_digest("host", b"x")


class InTransactions(Sealing, TestCase):
    @classmethod
    def setUpTestData(cls):
        Letter.objects.create(body="x").delete()


class InTransactionsToo(Sealing, TestCase):
    pass


class WithFlush(Sealing, TransactionTestCase):
    pass


class WithFlushOfSomeApps(Sealing, TransactionTestCase):
    available_apps = ["django.contrib.contenttypes", "bt_security", "tests.keys.host.archive"]


class WithLiveServer(Sealing, LiveServerTestCase):
    def test_request(self):
        with urlopen(f"{self.live_server_url}/write") as answer:
            assert answer.read() == b"written by a request"
        assert Letter.objects.get().body == "written by a request"
