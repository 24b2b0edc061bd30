"""A batch that finds SQLite locked is tried again."""

from __future__ import annotations

import sqlite3
import threading
import time

import pytest
from django.db import OperationalError, connection, connections, transaction

from bt_security.keys.inventory import sealed_tables
from bt_security.rotation.columns import TablePlan
from bt_security.rotation.writing import write_changes
from tests.rotation.conftest import NEW, prefix_of, texts, use_keys
from tests.testapp.models import Note

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("operator_site")]


@pytest.fixture
def change():
    """One row's change, on a connection that does not wait for locks."""
    note = Note.objects.create(body="x")
    old = texts(Note, "body")[note.pk]
    use_keys(NEW)
    (table,) = [each for each in sealed_tables("default") if each.model is Note]
    connection.cursor().execute("PRAGMA busy_timeout = 1")
    yield TablePlan(table, prefix_of(NEW)), {(0,): [(prefix_of(NEW) + old[12:], note.pk, old)]}
    connections.close_all()


@pytest.fixture
def locked():
    holder = sqlite3.connect(
        connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False
    )
    holder.execute("BEGIN IMMEDIATE")
    yield holder
    holder.close()


def test_it_is_written_when_the_lock_is_gone(change, locked):
    release = threading.Timer(0.15, locked.rollback)
    release.start()
    assert list(write_changes(*change)) == [((0,), 1, [])]
    release.join()
    assert {text[:12] for text in texts(Note, "body").values()} == {prefix_of(NEW)}


def test_it_is_given_up_in_the_end(change, locked):
    with pytest.raises(OperationalError):
        list(write_changes(*change))


def test_it_is_given_up_at_once_inside_a_transaction(change, locked):
    started = time.monotonic()
    with pytest.raises(OperationalError), transaction.atomic():
        list(write_changes(*change))
    assert time.monotonic() - started < 0.5
