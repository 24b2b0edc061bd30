"""Pages of rows through re-sealing and back: what both ways of rotating share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bt_security.exceptions import OpenRefused
from bt_security.keys import Keyring
from bt_security.rotation.columns import Key, TablePlan
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
    batch_size: int = 1000
    tick: Tick = ignore
    _failed: set[tuple[Key, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._reseal: list[Reseal] = [resealer(f, self.keyring) for f in self.plan.fields]
        self._lone = lone_resealer(self.plan.fields, self.keyring)
        self._names = [f"{self.plan.label}.{f.name}" for f in self.plan.fields]
        for name in self._names:
            self.report.columns.setdefault(name, ColumnCount(name))

    def sweep(self) -> int:
        """Re-seal every old value of the table; return the number of rows written."""
        return sum(self.pages())

    def pages(self, *, after: Key | None = None, until: Key | None = None) -> Iterator[int]:
        """Re-seal old values between two keys, yielding after each page the rows written."""
        width = len(self.plan.key_columns)
        while True:
            with self.plan.connection.cursor() as cursor:
                rows = self.plan.page(
                    cursor, after=after, until=until, limit=self.batch_size, everything=False
                )
            if not rows:
                return
            after = tuple(rows[-1][:width])
            yield self._rotate_page(rows)
            self.tick(len(rows))
            if len(rows) < self.batch_size:
                return

    def _rotate_page(self, rows: Sequence[tuple[Any, ...]]) -> int:
        changes = self._lone_changes(rows) or self._changes(rows)
        written, refused = write_changes(self.plan, changes)
        lost = sum(len(group) for group in changes.values()) - written - len(refused)
        self.report.rows += written
        self.report.lost_races += lost
        for places, group in changes.items():
            for place in places:
                self.report.columns[self._names[place]].migrated += len(group)
        if lost:
            # Which rows changed under us is not known; the next sweep finds and counts them.
            self.report.columns[self._names[next(iter(changes))[0]]].migrated -= lost
        for places, key in refused:
            for place in places:
                self.report.columns[self._names[place]].migrated -= 1
            self._fail(key, self.plan.fields[places[0]].name, "DuplicateValue")
        return written

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
        column = self.plan.fields[place]
        try:
            if not column.bind_to:
                return self._reseal[place](text, ())
            values = row[len(self.plan.key_columns) + len(self.plan.fields) :]
            bound = bound_values(column, self.plan.bound_fields, values)
            return self._reseal[place](text, bound)
        except OpenRefused as error:
            key = tuple(row[: len(self.plan.key_columns)])
            self._fail(key, column.name, type(error).__name__, error.key_id)
            return text

    def _fail(self, key: Key, name: str, reason: str, key_id: str = "") -> None:
        if (key, name) in self._failed:
            return
        self._failed.add((key, name))
        pk = ", ".join(str(part) for part in key)
        self.report.add_failure(Failure(self.plan.label, name, pk, reason, key_id))
