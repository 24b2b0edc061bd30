"""`bt_security.testing`: a known key for the tests of host projects."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bt_security import keys
from bt_security.exceptions import WrongKey
from bt_security.testing import FixedKeyRunner, end_fixed_key, fixed_key, use_fixed_key
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_key_left_over():
    yield
    end_fixed_key()
    keys.forget()


def test_the_fixed_key_needs_no_query_of_its_own():
    with fixed_key():
        keys.forget()
        with CaptureQueriesContext(
            connection,
        ) as captured:
            Note.objects.create(body="text")
    assert len(captured) == 1


def test_a_value_of_the_fixed_key_does_not_open_afterwards():
    with fixed_key():
        note = Note.objects.create(body="text")
    with pytest.raises(WrongKey):
        _ = Note.objects.get(pk=note.pk).body


def test_two_secrets_give_two_keys():
    with fixed_key(b"one secret of a host's test suite"):
        note = Note.objects.create(body="text")
    with fixed_key(), pytest.raises(WrongKey):
        _ = Note.objects.get(pk=note.pk).body


def test_the_fixed_key_survives_a_flushed_key_table():
    use_fixed_key()
    note = Note.objects.create(body="text")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM bt_security_setting")
    keys.forget()
    assert Note.objects.get(pk=note.pk).body == "text"


def test_the_runner_fixes_the_key_for_the_whole_run(monkeypatch):
    monkeypatch.setattr("django.test.runner.setup_test_environment", lambda debug: None)
    monkeypatch.setattr("django.test.runner.teardown_test_environment", lambda: None)
    runner = FixedKeyRunner()
    runner.setup_test_environment()
    assert keys.ring().stale_after == float("inf")
    runner.teardown_test_environment()
    assert keys.ring().source == "database"
