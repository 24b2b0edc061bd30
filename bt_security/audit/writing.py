"""Storing finished rows: one INSERT, and what happens when the database does not take it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache, partial
from typing import Any

from django.db import DatabaseError, Error, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from bt_security.audit import spool
from bt_security.audit.actions import OnError
from bt_security.audit.rows import COLUMNS, Row, as_json
from bt_security.exceptions import AuditUnavailable
from bt_security.models import AuditEntry

logger = logging.getLogger("bt_security.audit")

_UID, _RECORDED_AT = COLUMNS.index("uid"), COLUMNS.index("recorded_at")


def alias() -> str:
    """Return the database that entries are written to."""
    return router.db_for_write(AuditEntry)


def store(rows: Sequence[Row], *, on_error: OnError) -> None:
    """Insert rows in the caller's transaction, then log each as one line when it commits.

    With "spool" a failed insert leaves the caller's transaction usable, and the rows go to the
    spool. With "raise" the transaction can only be rolled back.

    Raises:
        AuditUnavailable: the database did not take them and `on_error` is "raise".
    """
    using = alias()
    failure = _insert_or_fail(using, rows, on_error=on_error)
    if failure is None:
        if logger.isEnabledFor(logging.INFO):
            transaction.on_commit(partial(_log, rows), using=using)
    elif on_error == "spool":
        spool.keep(rows, why=failure)
    else:
        raise AuditUnavailable(f"the audit log does not take the entry: {failure}")


def insert(connection: BaseDatabaseWrapper, rows: Sequence[Row]) -> None:
    """Insert rows as they are.

    Raises:
        django.db.Error: the database does not take them.
    """
    with connection.cursor() as cursor:
        for row in rows:
            cursor.execute(
                _statement(connection.alias, connection.vendor), _values(connection, row)
            )
            if cursor.rowcount != 1:
                raise DatabaseError("a trigger or rule of the database swallows entries")


def _insert_or_fail(using: str, rows: Sequence[Row], *, on_error: OnError) -> str | None:
    """Return the name of the error, None if all went well.

    The error itself is not chained: its frames and its text hold the values of the row.
    """
    try:
        with _guard(using, on_error, len(rows)):
            insert(connections[using], rows)
    except Error as error:
        return type(error).__name__
    return None


def _guard(using: str, on_error: OnError, count: int) -> AbstractContextManager[Any]:
    if not connections[using].in_atomic_block:
        return nullcontext() if count == 1 else transaction.atomic(using=using)
    if on_error == "spool":
        return transaction.atomic(using=using)
    return transaction.mark_for_rollback_on_error(using=using)


@cache
def _statement(using: str, vendor: str) -> str:
    quote = connections[using].ops.quote_name
    columns = ", ".join(map(quote, COLUMNS))
    places = ", ".join(["%s"] * len(COLUMNS))
    table = quote(AuditEntry._meta.db_table)
    return f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608 - names of ours


def _values(connection: BaseDatabaseWrapper, row: Row) -> list[Any]:
    """Return the columns as the driver takes them; every driver takes bytes for a binary one."""
    values: list[Any] = list(row)
    if not connection.features.has_native_uuid_field:
        values[_UID] = row.uid.hex
    values[_RECORDED_AT] = connection.ops.adapt_datetimefield_value(row.recorded_at)
    return values


def _log(rows: Sequence[Row]) -> None:
    for row in rows:
        logger.info("%s", as_json(row._replace(personal=b"")))
