"""Rows of `bt_security_setting` that hold keys: read, write once, lock.

The model is found by name, because `keys` is a lower layer than `models`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from django.apps import apps
from django.db import DatabaseError, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import Atomic
from django.utils import timezone

from bt_security.conf import conf
from bt_security.exceptions import KeyStoreMissing

DATABASE_KEY = "_auto_encryption_key"
KEY_STATE = "_key_state"
ROTATION_LOCK = "_rotation_lock"
SEALED_COLUMNS = "_sealed_columns"
PURPOSE_PREFIX = "_purpose/"

_KEY_ROWS = (DATABASE_KEY, KEY_STATE, PURPOSE_PREFIX)

_known_tables: set[tuple[str, str]] = set()
_unsettled: WeakKeyDictionary[BaseDatabaseWrapper, Atomic] = WeakKeyDictionary()


def alias() -> str:
    """Return the database alias that keeps the keys."""
    return conf.keys.database


def place() -> tuple[str, str]:
    """Return alias and database name: what is remembered of one database is not another's."""
    using = alias()
    return using, str(connections[using].settings_dict["NAME"])


def rows() -> models.QuerySet[Any]:
    """Return all rows of the table.

    Raises:
        KeyStoreMissing: the table does not exist yet.
    """
    using = alias()
    require_table(using)
    return _vault(using)


def _vault(using: str) -> models.QuerySet[Any]:
    manager: models.Manager[Any] = apps.get_model("bt_security", "Setting").vault
    return manager.using(using)


def has_table(using: str) -> bool:
    """Whether the table exists on `using`; asks the database until it does."""
    connection = connections[using]
    place = (using, str(connection.settings_dict["NAME"]))
    if (
        place not in _known_tables
        and "bt_security_setting" in connection.introspection.table_names()
    ):
        _known_tables.add(place)
    return place in _known_tables


def require_table(using: str) -> None:
    """Refuse to go on without the table.

    Raises:
        KeyStoreMissing: with the line that a data migration needs.
    """
    if not has_table(using):
        raise KeyStoreMissing(
            f"table bt_security_setting is missing on database {using!r}: run `manage.py migrate`; "
            "a data migration that seals values needs "
            'dependencies = [("bt_security", "0001_setting")]'
        )


def read(names: Iterable[str]) -> dict[str, str]:
    """Return the values of the named rows that exist."""
    return dict(rows().filter(name__in=list(names)).values_list("name", "value"))


def write(name: str, value: str) -> None:
    """Insert or replace one row, in the caller's transaction."""
    if not rows().filter(name=name).update(value=value, changed_at=timezone.now()):
        rows().bulk_create([rows().model(name=name, value=value)])
    _mark_unsettled(name)


def insert_once(name: str, value: str) -> str:
    """Store `value` unless the row exists; return what is stored then.

    Of any number of processes that race, one value wins and all of them return it. Inside a
    transaction a second connection is used, so that a rollback does not take the row back;
    SQLite has one writer, so there the row shares the fate of the transaction.
    """
    using = alias()
    require_table(using)
    connection = connections[using]
    if is_in_transaction() and connection.vendor != "sqlite":
        return _in_own_connection(lambda: _insert_once(using, name, value))
    return _insert_once(using, name, value)


def is_in_transaction() -> bool:
    """Whether what is read now may be a snapshot that is older than what others committed."""
    connection = connections[alias()]
    return connection.in_atomic_block or not connection.get_autocommit()


def open_atomic() -> tuple[BaseDatabaseWrapper, Atomic | None]:
    """Return this thread's connection and its outermost `atomic` block, without a query."""
    connection = connections[alias()]
    return connection, next(iter(connection.atomic_blocks), None)


def _insert_once(using: str, name: str, value: str) -> str:
    table = _vault(using)
    failure: DatabaseError | None = None
    try:
        with _unlogged(connections[using]):
            table.bulk_create([table.model(name=name, value=value)], ignore_conflicts=True)
    except DatabaseError as error:
        failure = type(error)(*error.args)
    if failure is not None:
        # A new one: the frames of the first hold the SQL with the value in it.
        raise failure
    _mark_unsettled(name)
    stored: str = table.values_list("value", flat=True).get(name=name)
    return stored


@contextmanager
def _unlogged(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Keep statements out of `connection.queries` and the log, which have them with all values."""
    attributes = vars(connection)
    attributes["make_debug_cursor"] = connection.make_cursor
    try:
        yield
    finally:
        del attributes["make_debug_cursor"]


def _in_own_connection(work: Callable[[], str]) -> str:
    results: list[str] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - handed to the calling thread
            errors.append(error)
        finally:
            connections[alias()].close()

    thread = threading.Thread(target=run, name="bt_security-key")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def lock() -> None:
    """Make this transaction the only one that changes keys or rotates, until it ends.

    The statement is an UPDATE, so that SQLite takes its write lock at the start. The row is
    made in this transaction: a second connection could wait for this one.
    """
    locks = rows().filter(name=ROTATION_LOCK)
    if not locks.update(value=""):
        _insert_once(alias(), ROTATION_LOCK, "")
        locks.update(value="")


def _mark_unsettled(name: str) -> None:
    """Note that the open transaction, if any, changed a key row and may yet be rolled back."""
    connection = connections[alias()]
    if connection.in_atomic_block and name.startswith(_KEY_ROWS):
        _unsettled[connection] = connection.atomic_blocks[0]


def is_settled() -> bool:
    """Whether what was just read is committed; False makes the reader look again next time."""
    connection = connections[alias()]
    changed_in = _unsettled.get(connection)
    if changed_in is None:
        return True
    if connection.atomic_blocks and connection.atomic_blocks[0] is changed_in:
        return False
    del _unsettled[connection]
    return True
