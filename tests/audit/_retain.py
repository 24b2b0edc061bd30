"""Entries, raw SQL and a protected log for the tests of protection, pruning and erasure."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.db import connection

from bt_security.audit import record
from bt_security.audit.retention import protecting
from bt_security.audit.seals.sealing import seal
from bt_security.audit.seals.signing import trusted_keys
from bt_security.models import AuditEntry, AuditRetention, AuditSeal
from tests.audit.stored_rows import MORNING, put

EVENING = MORNING + timedelta(hours=12)
ENTRY, SEAL, RETENTION = (model._meta.db_table for model in (AuditEntry, AuditSeal, AuditRetention))


def write(count: int = 1, **options) -> list[int]:
    """Record entries and return their ids."""
    uids = [record("audit.read", **options) for _ in range(count)]
    return sorted(AuditEntry.objects.filter(uid__in=uids).values_list("id", flat=True))


def run(sql: str, *values: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(values) or None)
        return cursor.rowcount


def ids() -> list[int]:
    return list(AuditEntry.objects.order_by("id").values_list("id", flat=True))


def start_clean() -> None:
    """Drop the entries of the keys that the making of this log has left."""
    trusted_keys()
    run(f"DELETE FROM {ENTRY}")
    if connection.vendor == "postgresql":  # whose counter does not know of ids that are given
        run(f"SELECT setval(pg_get_serial_sequence('{ENTRY}', 'id'), 1000000)")


def sealed(*numbers: int, **of) -> AuditSeal:
    """Put entries under these ids and seal them, and what else is new, as one seal."""
    put(*numbers, **of)
    (made,) = seal()
    return made


def left() -> list[int]:
    """Ids without the entries that pruning itself records."""
    entries = AuditEntry.objects.exclude(action__startswith="audit.").order_by("id")
    return list(entries.values_list("id", flat=True))


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def protected() -> Iterator[None]:
    """Protect the log, and let go of it before anything flushes the tables."""
    protecting.install()
    try:
        yield
    finally:
        protecting.remove()


@contextmanager
def without_rights() -> Iterator[None]:
    """Use the database as an account that may write rows and nothing else."""
    plain = {"sqlite": _sqlite_plain, "postgresql": _postgres_plain, "mysql": _mysql_plain}
    with plain[connection.vendor]():
        yield


@contextmanager
def _sqlite_plain() -> Iterator[None]:
    refused = (sqlite3.SQLITE_CREATE_TRIGGER, sqlite3.SQLITE_DROP_TRIGGER)
    connection.ensure_connection()
    connection.connection.set_authorizer(
        lambda action, *_: sqlite3.SQLITE_DENY if action in refused else sqlite3.SQLITE_OK
    )
    try:
        yield
    finally:
        connection.connection.set_authorizer(None)


@contextmanager
def _postgres_plain() -> Iterator[None]:
    role = f"plain_{connection.settings_dict['NAME']}"
    run(f"CREATE ROLE {role}")
    run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}")
    run(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}")
    run(f"SET ROLE {role}")
    try:
        yield
    finally:
        run("RESET ROLE")
        run(f"DROP OWNED BY {role}")
        run(f"DROP ROLE {role}")


@contextmanager
def _mysql_plain() -> Iterator[None]:
    name, settings = connection.settings_dict["NAME"], connection.settings_dict
    owner, account = settings["USER"], f"plain_{name}"
    run(f"CREATE USER {account} IDENTIFIED BY 'plain'")
    run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name}.* TO {account}")
    password = settings["PASSWORD"]
    connection.close()
    settings.update(USER=account, PASSWORD="plain")
    try:
        yield
    finally:
        connection.close()
        settings.update(USER=owner, PASSWORD=password)
        run(f"DROP USER {account}")
