"""Keys that are made inside transactions, which may be rolled back or have failed."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress

import pytest
from django.db import DatabaseError, IntegrityError, connection, connections, transaction
from django.db.transaction import TransactionManagementError

from bt_security import keys
from bt_security.crypto import SealingKey
from bt_security.keys import current, store
from bt_security.keys.state import write_state
from bt_security.models import Setting
from tests.keys.conftest import OPERATOR, configure, key_rows
from tests.testapp.models import Note

pytestmark = pytest.mark.usefixtures("key_table")

ON_SQLITE = connection.vendor == "sqlite"


class Undone(Exception):
    """Ends a transaction."""


@contextmanager
def undone():
    """A transaction or savepoint that is rolled back."""
    with suppress(Undone), transaction.atomic():
        yield
        raise Undone


def seal_and_roll_back():
    with undone():
        Note.objects.create(body="rolled back")


def in_thread(work):
    results = []

    def run():
        try:
            results.append(work())
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return results[0]


def prefix():
    return keys.ring().sealing_key.prefix


def test_a_rolled_back_key_seals_nothing_that_stays():
    seal_and_roll_back()
    Note.objects.create(body="stays")
    keys.forget()
    assert Note.objects.get().body == "stays"


def test_a_key_made_inside_a_rolled_back_savepoint_seals_nothing_that_stays():
    with transaction.atomic():
        seal_and_roll_back()
        Note.objects.create(body="stays")
    keys.forget()
    assert Note.objects.get().body == "stays"


def test_a_key_made_inside_a_transaction_is_there_after_it():
    with transaction.atomic():
        Note.objects.create(body="stays")
    keys.forget()
    assert Note.objects.get().body == "stays"


@pytest.mark.postgres
@pytest.mark.mysql
def test_a_rollback_does_not_take_the_key_back():
    seal_and_roll_back()
    assert list(key_rows()) == [store.DATABASE_KEY]


@contextmanager
def manual_commit():
    transaction.set_autocommit(False)
    try:
        yield
    finally:
        connection.rollback()
        transaction.set_autocommit(True)


@pytest.mark.postgres
@pytest.mark.mysql
def test_a_rollback_without_atomic_does_not_take_the_key_back():
    with manual_commit():
        Note.objects.create(body="rolled back")
    assert list(key_rows()) == [store.DATABASE_KEY]


def test_a_rolled_back_key_is_put_back_rather_than_replaced():
    with undone():
        first = prefix()
    assert prefix() == first


def test_a_keyring_with_a_key_that_may_be_rolled_back_is_read_again():
    with transaction.atomic():
        first = keys.ring()
        assert (keys.ring() is first) == (not ON_SQLITE)
    assert not store._unsettled or keys.ring() is not first


def test_after_the_commit_the_keyring_is_kept():
    with transaction.atomic():
        keys.ring()
    settled = keys.ring()
    assert keys.ring() is settled


def test_a_state_that_may_be_rolled_back_is_not_kept():
    key = SealingKey("e2", OPERATOR.encode())
    before = prefix()
    configure(OPERATOR)
    with undone():
        write_state("done", key)
        assert prefix() == key.prefix
    assert prefix() == before


def test_a_state_written_in_an_earlier_transaction_is_kept():
    key = SealingKey("e2", OPERATOR.encode())
    configure(OPERATOR)
    with transaction.atomic():
        write_state("done", key)
    with transaction.atomic():
        assert keys.ring() is keys.ring()


def test_other_rows_of_the_table_unsettle_nothing():
    keys.ring()
    with transaction.atomic():
        store.write(store.SEALED_COLUMNS, "[]")
        assert store.is_settled()


def test_another_thread_is_not_unsettled_by_an_open_transaction():
    keys.ring()
    key = SealingKey("e2", OPERATOR.encode())
    with transaction.atomic():
        write_state("migrating", key)
        assert in_thread(store.is_settled)
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True, databases=["default", "other"])
def test_threads_that_race_use_one_key():
    barrier = threading.Barrier(6)
    found, threads = [], []

    def run():
        barrier.wait()
        found.append(prefix())
        connections.close_all()

    for _ in range(6):
        threads.append(threading.Thread(target=run))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    assert list(key_rows()) == [store.DATABASE_KEY]


@pytest.mark.postgres
@pytest.mark.mysql
def test_a_key_is_seen_by_a_transaction_with_an_older_snapshot():
    with repeatable_reads(), transaction.atomic():
        assert Note.objects.count() == 0
        Note.objects.create(body="x")
        keys.reload()
        assert Note.objects.get().body == "x"
    keys.forget()
    assert Note.objects.get().body == "x"


@pytest.mark.postgres
@pytest.mark.mysql
def test_a_purpose_key_is_seen_by_a_transaction_with_an_older_snapshot():
    with repeatable_reads(), transaction.atomic():
        assert Note.objects.count() == 0
        inside = keys.keyed_digest("api_tokens", b"x")
    keys.forget()
    assert keys.keyed_digest("api_tokens", b"x") == inside


@pytest.mark.postgres
@pytest.mark.mysql
def test_an_operator_key_claims_a_database_under_an_older_snapshot():
    configure(OPERATOR)
    with repeatable_reads(), transaction.atomic():
        assert Note.objects.count() == 0
        assert keys.ring().state.phase == "done"


@contextmanager
def repeatable_reads():
    """Give the transactions of this connection a snapshot."""
    set_isolation_level("REPEATABLE READ")
    yield
    set_isolation_level("READ COMMITTED")


def set_isolation_level(level):
    session = "SESSION" if connection.vendor == "mysql" else "SESSION CHARACTERISTICS AS"
    with connection.cursor() as cursor:
        cursor.execute(f"SET {session} TRANSACTION ISOLATION LEVEL {level}")


@transaction.atomic
def break_a_constraint():
    first = Note.objects.create(body="x")
    Note.objects.bulk_create([Note(pk=first.pk)])


def test_in_a_failed_transaction_the_keyring_at_hand_is_used(later):
    ring = keys.ring()
    with transaction.atomic():
        later(current.REFRESH_SECONDS)
        transaction.set_rollback(True)
        assert keys.ring() is ring


def test_in_a_failed_transaction_nothing_is_made():
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(TransactionManagementError):
            keys.ring()


def test_after_a_failed_transaction_everything_goes_on(later):
    with pytest.raises(IntegrityError):
        break_a_constraint()
    later(current.REFRESH_SECONDS)
    Note.objects.create(body="y")
    assert [note.body for note in Note.objects.all()] == ["y"]


def test_a_failure_of_the_database_reaches_the_caller(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Setting._meta.get_field("value"), "column", "no_such_column")
        with pytest.raises(DatabaseError):
            store.insert_once(store.DATABASE_KEY, "x")


@pytest.mark.postgres
@pytest.mark.mysql
def test_a_failure_on_the_second_connection_reaches_the_caller(monkeypatch):
    with monkeypatch.context() as patch, transaction.atomic():
        patch.setattr(Setting._meta.get_field("value"), "column", "no_such_column")
        with pytest.raises(DatabaseError):
            store.insert_once(store.DATABASE_KEY, "x")


def test_the_lock_can_be_taken_twice_in_one_transaction():
    with transaction.atomic():
        store.lock()
        store.lock()
    assert list(key_rows()) == [store.ROTATION_LOCK]


def test_the_lock_keeps_others_out():
    order = []

    def second():
        with transaction.atomic():
            store.lock()
            order.append("second")
        connections.close_all()

    with transaction.atomic():
        store.lock()
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(timeout=0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_row_that_is_written_again_says_when():
    store.write(store.SEALED_COLUMNS, "[]")
    first = Setting.vault.get(name=store.SEALED_COLUMNS).changed_at
    store.write(store.SEALED_COLUMNS, "[1]")
    assert Setting.vault.get(name=store.SEALED_COLUMNS).changed_at > first
