"""A sealed table as rotation reads and writes it: quoted names, key columns, what is old."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from bt_security.crypto import PREFIX_LENGTH
from bt_security.fields.column import INDEXED_LENGTH
from bt_security.keys.inventory import SealedTable

ROWS_PER_BATCH = 1_000
"""How many rows one statement reads or writes unless somebody chooses otherwise."""

Key = tuple[Any, ...]
"""A primary key as the database gives it: one value, or several of a composite key."""


@dataclass(frozen=True)
class TablePlan:
    """SQL of one table: keyset pages of the rows that rotation has to look at."""

    sealed: SealedTable
    target_prefix: str

    @property
    def connection(self) -> BaseDatabaseWrapper:
        """This thread's connection to the table's database."""
        return connections[self.sealed.alias]

    @property
    def label(self) -> str:
        """`app_label.Model`."""
        return self.sealed.model._meta.label

    @property
    def fields(self) -> tuple[Any, ...]:
        """The sealed fields, in the order of the columns that `page_sql` selects."""
        return self.sealed.fields

    @cached_property
    def key_fields(self) -> list[Any]:
        """The fields of the primary key."""
        key: Any = self.sealed.model._meta.pk
        return list(key.fields) if hasattr(key, "fields") else [key]

    @cached_property
    def key_columns(self) -> list[str]:
        """Quoted columns of the primary key."""
        return [self._quote(field.column) for field in self.key_fields]

    @cached_property
    def columns(self) -> list[str]:
        """Quoted sealed columns."""
        return [self._quote(field.column) for field in self.fields]

    @cached_property
    def bound_fields(self) -> list[Any]:
        """The plain columns that some sealed column is bound to."""
        names = dict.fromkeys(name for field in self.fields for name in field.bind_to)
        return [self.sealed.model._meta.get_field(name) for name in names]

    @cached_property
    def table(self) -> str:
        """The quoted table name."""
        return self._quote(self.sealed.table)

    @cached_property
    def opened_row_by_row(self) -> bool:
        """Whether the prefix alone does not tell which values are old."""
        return any(
            field.previous_contexts or field.previous_lookups or field.holds_other_text
            for field in self.fields
        )

    def old_condition(self) -> tuple[str, list[Any]]:
        """Return the SQL condition for rows that rotation has to look at."""
        if self.opened_row_by_row:
            return "(" + " OR ".join(f"{column} IS NOT NULL" for column in self.columns) + ")", []
        return self._visibly_old()

    def _visibly_old(self) -> tuple[str, list[Any]]:
        tests = [f"substr({column}, 1, {PREFIX_LENGTH}) <> %s" for column in self.columns]
        tests += [
            f"substr({column}, {INDEXED_LENGTH}, 1) <> ':'"  # sealed before it had lookup=
            for field, column in zip(self.fields, self.columns, strict=True)
            if field.lookup
        ]
        return "(" + " OR ".join(tests) + ")", [self.target_prefix] * len(self.columns)

    def count_old(self) -> int:
        """Count the rows with a value that is old by its prefix, or has no index yet."""
        condition, params = self._visibly_old()
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"SELECT COUNT(*) FROM {self.table} WHERE {condition}",  # noqa: S608 - quoted names
                params,
            )
            return int(cursor.fetchone()[0])

    def page(
        self,
        cursor: Any,
        *,
        limit: int,
        after: Key | None = None,
        until: Key | None = None,
        everything: bool = False,
        locked: bool = False,
    ) -> list[tuple[Any, ...]]:
        """Return the next rows by primary key: key, sealed texts, bound columns.

        `after` and `until` bound the keys, the first one exclusively. `everything` takes
        current rows, too; `locked` lets nobody else change them until the transaction ends.
        """
        conditions: list[str] = []
        params: list[Any] = []
        if not everything:
            condition, values = self.old_condition()
            conditions.append(condition)
            params += values
        for bound, operator in ((after, ">"), (until, "<=")):
            if bound is not None:
                conditions.append(f"{self._key_tuple} {operator} {self._marks(bound)}")
                params += bound
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        selected = [*self.key_columns, *self.columns]
        selected += [self._quote(field.column) for field in self.bound_fields]
        lock = " FOR UPDATE" if locked and self.connection.features.has_select_for_update else ""
        cursor.execute(
            f"SELECT {', '.join(selected)} FROM {self.table}{where} "  # noqa: S608 - quoted names
            f"ORDER BY {', '.join(self.key_columns)} LIMIT {limit}{lock}",
            params,
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def boundary(self, cursor: Any, *, after: Key | None, distance: int) -> Key | None:
        """Return the key `distance` rows after `after`, None beyond the last row."""
        where = f" WHERE {self._key_tuple} > {self._marks(after)}" if after is not None else ""
        keys = ", ".join(self.key_columns)
        cursor.execute(
            f"SELECT {keys} FROM {self.table}{where} "  # noqa: S608 - quoted names
            f"ORDER BY {keys} LIMIT 1 OFFSET {distance}",
            list(after or ()),
        )
        row: Key | None = cursor.fetchone()
        return row

    def take_write_lock(self) -> None:
        """Change nothing, so that SQLite takes its write lock before anything is read."""
        column = self.columns[0]
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {self.table} SET {column} = {column} WHERE 1 = 0"  # noqa: S608
            )

    def totals(self) -> list[tuple[int, int]]:
        """Return, per sealed column, how many values there are and how many are current."""
        current = f"CASE WHEN substr({{0}}, 1, {PREFIX_LENGTH}) = %s THEN 1 ELSE 0 END"
        selected = [f"COUNT({column}), SUM({current.format(column)})" for column in self.columns]
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {', '.join(selected)} FROM {self.table}",  # noqa: S608 - quoted names
                [self.target_prefix] * len(self.columns),
            )
            numbers: Sequence[Any] = cursor.fetchone()
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        return [(int(count), int(fresh or 0)) for count, fresh in pairs]

    @cached_property
    def _key_tuple(self) -> str:
        names = ", ".join(self.key_columns)
        return names if len(self.key_columns) == 1 else f"({names})"

    def _marks(self, key: Key) -> str:
        marks = ", ".join(["%s"] * len(key))
        return marks if len(key) == 1 else f"({marks})"

    def _quote(self, name: str) -> str:
        return self.connection.ops.quote_name(name)
