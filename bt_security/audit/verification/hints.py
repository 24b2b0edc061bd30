"""What the tables say besides: one uid under several ids, and ids that were issued and are gone."""

from __future__ import annotations

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Count, Max

from bt_security.audit.verification.findings import Found, Kind
from bt_security.models import AuditEntry

COPIED = "stand under one uid: all but one are copies"
AHEAD = "ids were issued after the last entry: rolled back, or deleted before they were sealed"

_POSTGRESQL = "SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {sequence}"
_SQLITE = "SELECT seq FROM sqlite_sequence WHERE name = %s"
_MYSQL = (
    "SELECT AUTO_INCREMENT - 1 FROM information_schema.TABLES "
    "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s"
)


def copied_entries(using: str, found: Found) -> None:
    """Find entries whose uid stands under several ids; the unique index may be gone."""
    entries = AuditEntry.objects.using(using)
    several = entries.values("uid").annotate(times=Count("*")).filter(times__gt=1).values("uid")
    copies = entries.filter(uid__in=several).order_by("id").values_list("id", flat=True)
    for entry_id in copies.iterator():
        found.add(Kind.COPIED, COPIED, entries=[(entry_id, entry_id)])


def sequence_ahead(using: str, found: Found, *, sealed: int) -> None:
    """Note ids that the database has issued after the last entry that is there or sealed."""
    issued = _issued(connections[using])
    newest = AuditEntry.objects.using(using).aggregate(newest=Max("id"))["newest"] or 0
    last = max(newest, sealed)
    if issued is not None and issued > last:
        found.add(Kind.SEQUENCE_AHEAD, AHEAD, entries=[(last + 1, issued)])


def _issued(connection: BaseDatabaseWrapper) -> int | None:
    """Return the highest id that the database has issued, None where it does not say."""
    table = AuditEntry._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute(_SQLITE if connection.vendor == "sqlite" else _MYSQL, [table])
        else:
            cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
            (sequence,) = cursor.fetchone()
            if sequence is None:
                return None
            cursor.execute(_POSTGRESQL.format(sequence=sequence))
        row = cursor.fetchone()
    return row[0] if row else None
