"""Pages of rows through re-sealing and back: what both ways of rotating share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import reset_queries

from bt_security.crypto import PREFIX_LENGTH, Bound
from bt_security.exceptions import OpenRefused
from bt_security.keys import Keyring
from bt_security.rotation.columns import ROWS_PER_BATCH, Key, TablePlan
from bt_security.rotation.report import ColumnCount, Failure, Report
from bt_security.rotation.reseal import Reseal, bound_values, lone_resealer, resealer
from bt_security.rotation.writing import Change, Changes, Places, write_changes

Tick = Callable[[int], None]
"""Told the number of rows that were just looked at."""


def ignore(rows: int) -> None:
    """Tell nobody."""


@dataclass
class TableRotation:
    """Re-seals the rows of one table, page by page."""

    plan: TablePlan
    keyring: Keyring
    report: Report
    batch_size: int = ROWS_PER_BATCH
    tick: Tick = ignore

    def __post_init__(self) -> None:
        self._reseal: list[Reseal] = [resealer(f, self.keyring) for f in self.plan.fields]
        self._lone = lone_resealer(self.plan.fields, self.keyring)
        self._names = [f"{self.plan.label}.{f.name}" for f in self.plan.fields]
        for name in self._names:
            self.report.columns.setdefault(name, ColumnCount(name))

    def sweep(self, *, locked: bool = False) -> int:
        """Re-seal every old value of the table; return the number of rows written."""
        return sum(self.pages(locked=locked))

    def pages(
        self, *, after: Key | None = None, until: Key | None = None, locked: bool = False
    ) -> Iterator[int]:
        """Re-seal old values between two keys, yielding after each page the rows written.

        With `locked` rows cannot change between read and write, in the caller's transaction.
        """
        width = len(self.plan.key_columns)
        while True:
            with self.plan.connection.cursor() as cursor:
                rows = self.plan.page(
                    cursor, after=after, until=until, limit=self.batch_size, locked=locked
                )
            if not rows:
                return
            after = tuple(rows[-1][:width])
            yield self._rotate_page(rows)
            self.tick(len(rows))
            if settings.DEBUG:
                reset_queries()  # they hold every text
            if len(rows) < self.batch_size:
                return

    def _rotate_page(self, rows: Sequence[tuple[Any, ...]]) -> int:
        changes = self._lone_changes(rows) or self._changes(rows)
        total = 0
        for places, written, refused in write_changes(self.plan, changes):
            total += written
            self.report.lost_races += len(changes[places]) - written - len(refused)
            for place in places:
                self._count(place).migrated += written
                for key in refused:
                    self._fail(key, place, "DuplicateValue")
        self.report.rows += total
        return total

    def _count(self, place: int) -> ColumnCount:
        return self.report.columns[self._names[place]]

    def _lone_changes(self, rows: Sequence[tuple[Any, ...]]) -> Changes | None:
        """Return the changes of a page of one simple column, None if it needs the long way."""
        if self._lone is None:
            return None
        reseal = self._lone
        try:
            return {(0,): [(reseal(row[-1]), *row) for row in rows]}
        except OpenRefused:
            return None

    def _changes(self, rows: Sequence[tuple[Any, ...]]) -> Changes:
        width = len(self.plan.key_columns)
        found: dict[Places, list[Change]] = defaultdict(list)
        for row in rows:
            places: list[int] = []
            new: list[str] = []
            old: list[str] = []
            for place in range(len(self.plan.fields)):
                text = row[width + place]
                if text is None:
                    continue
                fresh = self._reseal_one(place, text, row)
                if fresh is not text:
                    places.append(place)
                    new.append(fresh)
                    old.append(text)
            if places:
                found[tuple(places)].append((*new, *row[:width], *old))
        return found

    def _reseal_one(self, place: int, text: str, row: tuple[Any, ...]) -> str:
        """Return the new text, or the old one if it is current or does not open."""
        is_counted_as_current = text[:PREFIX_LENGTH] == self.plan.target_prefix
        try:
            fresh = self._reseal[place](text, self._bound(place, row))
        except OpenRefused as error:
            key = tuple(row[: len(self.plan.key_columns)])
            if self._fail(key, place, type(error).__name__, error.key_id):
                self._count(place).already -= is_counted_as_current
            return text
        if fresh is not text:
            self._count(place).already -= is_counted_as_current
        return fresh

    def _bound(self, place: int, row: tuple[Any, ...]) -> Sequence[Bound]:
        column = self.plan.fields[place]
        if not column.bind_to:
            return ()
        values = row[len(self.plan.key_columns) + len(self.plan.fields) :]
        return bound_values(column, self.plan.bound_fields, values)

    def _fail(self, key: Key, place: int, reason: str, key_id: str = "") -> bool:
        pk = ", ".join(str(part) for part in key)
        name = self.plan.fields[place].name
        failure = Failure(
            self.plan.label, name, pk, reason, key_id, database=self.plan.sealed.alias
        )
        return self.report.add_failure(failure)
