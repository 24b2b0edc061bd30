"""Bytes that one entry takes on disk, indexes, MAC and sealed personal data included."""

from __future__ import annotations

from django.db import connection, models

from benchmarks.audit.filling import fill
from benchmarks.measure import Options
from benchmarks.report import Line, Result
from bt_security.audit.seals.sealing import seal
from bt_security.models import AuditEntry, AuditSeal

BYTES_AT_MOST = 685
ENTRIES_MAX = 20_000


def run(options: Options) -> Result:
    count = min(options.rows, ENTRIES_MAX)
    fill(count)
    seal()
    entry, seals = (stored_bytes(model) / count for model in (AuditEntry, AuditSeal))
    lines = [
        Line("an entry with its indexes", entry, 0.0, "B", target=f"<= {BYTES_AT_MOST} B"),
        Line("its share of its seal", seals, 0.0, "B"),
    ]
    return Result(f"storage of {count:,} entries on {connection.display_name}", lines)


def stored_bytes(model: type[models.Model]) -> int:
    """Return what a table and its indexes take."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_total_relation_size(%s)", [table])
        else:
            cursor.execute(
                "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name IN "
                "(SELECT name FROM sqlite_master WHERE tbl_name = %s)",
                [table],
            )
        return int(cursor.fetchone()[0])
