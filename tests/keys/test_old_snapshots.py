"""A long transaction sees the keys of its beginning; the process does not go back to them."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager

import pytest
from django.db import connection, connections, transaction

from bt_security import keys
from bt_security.crypto import SealingKey, aad_tail
from bt_security.exceptions import WrongKey
from bt_security.keys import current
from bt_security.keys.state import write_state
from tests.keys.conftest import OPERATOR, SECOND, configure
from tests.keys.test_transactions import in_thread, set_isolation_level
from tests.testapp.models import Note

pytestmark = pytest.mark.usefixtures("key_table", "snapshots")

KEY = SealingKey("e2", OPERATOR.encode())
BODY = Note._meta.get_field("body")


@pytest.fixture
def snapshots():
    """Give the transactions of this connection a snapshot of their beginning."""
    if connection.vendor == "sqlite":
        set_journal("WAL")
        yield
        set_journal("DELETE")
    else:
        set_isolation_level("REPEATABLE READ")
        yield
        set_isolation_level("READ COMMITTED")


def set_journal(mode):
    connections.close_all()
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA journal_mode = {mode}")
        assert cursor.fetchone() == (mode.lower(),)


@contextmanager
def older_transaction():
    """A transaction whose snapshot is from before the move began."""
    keys.ring()
    configure(OPERATOR)
    keys.ring()
    with transaction.atomic():
        assert Note.objects.count() == 0
        in_thread(begin_to_move)
        assert keys.ring().state.phase == "migrating"
        yield


def begin_to_move():
    write_state("migrating", KEY)
    keys.reload()


def phase_in_use():
    return in_thread(lambda: current.cached.state.phase)


def test_an_older_transaction_does_not_put_the_keyring_back(later):
    with older_transaction():
        later(current.REFRESH_SECONDS)
        assert keys.ring().state.phase == "migrating"
        assert keys.reload().state.phase == "migrating"
        assert phase_in_use() == "migrating"


def test_an_older_transaction_seals_under_the_key_that_is_in_use(later):
    with older_transaction():
        later(current.REFRESH_SECONDS)
        assert BODY.seal("x").startswith(KEY.prefix)


def test_an_older_transaction_asks_no_more_often_than_others(later, django_assert_num_queries):
    with older_transaction():
        for _ in range(2):
            later(current.REFRESH_SECONDS)
            with django_assert_num_queries(1):
                for _ in range(5):
                    keys.ring()


def test_a_value_of_an_unknown_key_is_refused_in_an_older_transaction(
    later, django_assert_num_queries
):
    text = SealingKey("e2", SECOND.encode()).seal(b"x", tail=aad_tail(BODY.context))
    with older_transaction():
        later(current.REFRESH_SECONDS)
        with django_assert_num_queries(1):
            for _ in range(5):
                with pytest.raises(WrongKey):
                    BODY.open_text(text)


def test_the_next_transaction_reads_what_is_there(later):
    with older_transaction():
        later(current.REFRESH_SECONDS)
        keys.ring()
    write_state("done", KEY)
    with transaction.atomic():
        assert keys.ring().state.phase == "done"


def test_without_atomic_an_older_snapshot_puts_nothing_back_either(later):
    keys.ring()
    configure(OPERATOR)
    keys.ring()
    transaction.set_autocommit(False)
    try:
        assert Note.objects.count() == 0
        in_thread(begin_to_move)
        later(current.REFRESH_SECONDS)
        assert keys.ring().state.phase == "migrating"
    finally:
        connection.rollback()
        transaction.set_autocommit(True)


def test_outside_a_transaction_what_is_read_counts(later):
    configure(OPERATOR)
    write_state("migrating", KEY)
    assert keys.ring().state.phase == "migrating"
    write_state("done", KEY)
    write_state("migrating", KEY)
    later(current.REFRESH_SECONDS)
    assert keys.ring().state.phase == "migrating"


def test_in_async_code_the_keyring_in_use_stays(later):
    with older_transaction():
        later(current.REFRESH_SECONDS)
        ring = keys.ring()

        async def ask():
            return keys.ring()

        assert asyncio.run(ask()) is ring
