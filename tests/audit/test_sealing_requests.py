"""Sealing at the end of requests."""

from __future__ import annotations

import asyncio
import math
import time
from datetime import timedelta

import pytest
from django.core.signals import request_finished
from django.db import connection
from django.utils import timezone

from bt_security.audit.seals import sealing, signing
from bt_security.audit.seals.heads import head_of
from bt_security.models import AuditSeal
from tests.audit.stored_rows import put

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _new_process(monkeypatch):
    """A process of the site: Django's test runner puts `outbox` into the mail module."""
    monkeypatch.setattr(sealing, "_due_at", -math.inf)
    monkeypatch.delattr("django.core.mail.outbox")


def age_last_seal(seconds):
    seal = AuditSeal.objects.latest("seq")
    seal.sealed_at = timezone.now() - timedelta(seconds=seconds)
    seal.head = head_of(seal)
    seal.save()


def counts():
    return list(AuditSeal.objects.order_by("seq").values_list("count", flat=True))


def test_a_host_with_public_keys_only_seals_nothing_and_says_nothing(settings, tmp_path, caplog):
    file = tmp_path / "public.pem"
    file.write_text(signing.generate_key(tmp_path / "key.pem").public_pem())
    settings.BT_SECURITY_AUDIT_PUBLIC_KEY_FILE = str(file)
    put(1)
    sealing.seal_if_due()
    assert (counts(), caplog.messages) == ([], [])


def test_an_error_is_logged_and_never_raised(settings, tmp_path, caplog):
    settings.BT_SECURITY_AUDIT_SIGNING_KEY_FILE = str(tmp_path / "missing.pem")
    put(1)
    sealing.seal_if_due()
    assert "The audit log was not sealed (SealingRefused)" in caplog.text


def test_an_interval_of_zero_leaves_it_to_the_command(settings):
    settings.BT_SECURITY_AUDIT_SEAL_INTERVAL_SECONDS = 0
    put(1)
    sealing.seal_if_due()
    assert counts() == []


def test_nothing_is_sealed_in_the_thread_of_an_event_loop():
    put(1)

    async def finish():
        sealing.seal_if_due()

    asyncio.run(finish())
    assert counts() == []


def test_a_process_asks_once_per_interval(django_assert_num_queries):
    put(1)
    sealing.seal_if_due()
    put(2)
    with django_assert_num_queries(0):
        sealing.seal_if_due()
    assert counts() == [1]


def test_a_process_does_not_seal_what_another_one_just_has(monkeypatch):
    put(1)
    sealing.seal()
    put(2)
    sealing.seal_if_due()
    assert counts() == [1]


def test_it_seals_again_after_the_interval(settings, monkeypatch):
    settings.BT_SECURITY_AUDIT_SEAL_INTERVAL_SECONDS = 60
    put(1)
    sealing.seal_if_due()
    put(2)
    age_last_seal(61)
    later = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: later)
    sealing.seal_if_due()
    assert counts() == [1, 1]


def test_each_request_seals_one_batch_while_batches_are_full(monkeypatch):
    monkeypatch.setattr(sealing, "BATCH", 2)
    put(*range(1, 6))
    for expected in ([2], [2, 2], [2, 2, 1], [2, 2, 1]):
        sealing.seal_if_due()
        assert counts() == expected


@pytest.fixture
def connected():
    before = list(request_finished.receivers)
    sealing.connect()
    yield
    request_finished.receivers[:] = before
    request_finished.sender_receivers_cache.clear()


def test_the_end_of_a_request_seals(connected, client):
    put(1)
    client.get("/nowhere/")
    assert counts() == [1]


def test_connecting_twice_connects_once(connected):
    before = len(request_finished.receivers)
    sealing.connect()
    assert len(request_finished.receivers) == before


@pytest.mark.django_db(transaction=True)
def test_the_connection_is_given_back_as_by_the_request():
    put(1)
    connection.close_at = time.monotonic() - 1
    sealing.seal_if_due()
    assert connection.connection is None
    assert counts() == [1]


def test_a_test_run_seals_nothing_by_itself(monkeypatch):
    monkeypatch.setattr("django.core.mail.outbox", [], raising=False)
    put(1)
    sealing.seal_if_due()
    assert counts() == []
