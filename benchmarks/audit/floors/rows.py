"""The floors of recording: a row with the columns of an entry, without making the entry."""

from __future__ import annotations

from typing import Any

from django.db import connection

from benchmarks.audit.floors.models import BareEntry
from bt_security.audit.rows import COLUMNS, new_uid
from bt_security.models import AuditEntry


class Rows:
    """Rows of exactly the size of the newest entry; their values are made before the clock runs."""

    def __init__(self) -> None:
        values = AuditEntry.objects.newest_first().values_list(*COLUMNS)[0]
        self._columns = dict(zip(COLUMNS, values, strict=True))
        table = connection.ops.quote_name(BareEntry._meta.db_table)
        places = ", ".join(["%s"] * len(COLUMNS))
        self._statement = f"INSERT INTO {table} ({', '.join(COLUMNS)}) VALUES ({places})"

    def columns(self, count: int) -> list[dict[str, Any]]:
        """Return what `create` inserts."""
        return [{**self._columns, "uid": new_uid()} for _ in range(count)]

    def parameters(self, count: int) -> list[list[Any]]:
        """Return what `insert` inserts, as the driver takes it."""
        fields = [BareEntry._meta.get_field(name) for name in COLUMNS]
        return [
            [field.get_db_prep_save(row[field.name], connection) for field in fields]
            for row in self.columns(count)
        ]

    @staticmethod
    def create(columns: dict[str, Any]) -> None:
        """Insert a row as Django's users do."""
        BareEntry.objects.create(**columns)

    def insert(self, parameters: list[Any]) -> None:
        """Insert a row by a statement that is written out."""
        with connection.cursor() as cursor:
            cursor.execute(self._statement, parameters)
