"""Pages of rows through re-sealing and back: what both ways of rotating share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bt_security.exceptions import OpenRefused
from bt_security.keys import Keyring
from bt_security.rotation.columns import Key, TablePlan
from bt_security.rotation.report import ColumnCount, Failure, Report
from bt_security.rotation.reseal import Reseal, bound_values, resealer
from bt_security.rotation.writing import Change, write_changes

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
        self._names = [f"{self.plan.label}.{f.name}" for f in self.plan.fields]
        for name in self._names:
            self.report.columns.setdefault(name, ColumnCount(name))

    def sweep(self, *, after: Key | None = None, until: Key | None = None) -> int:
        """Re-seal every old value between two keys; return the number of rows written."""
        return sum(self.pages(after=after, until=until))

    def pages(self, *, after: Key | None = None, until: Key | None = None) -> Iterator[int]:
        """Do the same, yielding after each page the number of rows written."""
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

    def _rotate_page(self, rows: list[tuple[Any, ...]]) -> int:
        changes = [change for row in rows if (change := self._change(row)) is not None]
        if not changes:
            return 0
        written, refused = write_changes(self.plan, changes)
        self.report.rows += written
        self.report.lost_races += len(changes) - written - len(refused)
        self._count(changes, lost=len(changes) - written - len(refused), refused=refused)
        return written

    def _change(self, row: tuple[Any, ...]) -> Change | None:
        width, count = len(self.plan.key_columns), len(self.plan.fields)
        key = tuple(row[:width])
        places: list[int] = []
        new: list[str] = []
        old: list[str] = []
        for place in range(count):
            text = row[width + place]
            if text is None:
                continue
            fresh = self._reseal_one(place, text, key, row)
            if fresh is not None and fresh is not text:
                places.append(place)
                new.append(fresh)
                old.append(text)
        return Change(key, tuple(places), tuple(new), tuple(old)) if places else None

    def _reseal_one(self, place: int, text: str, key: Key, row: tuple[Any, ...]) -> str | None:
        column = self.plan.fields[place]
        try:
            if not column.bind_to:
                return self._reseal[place](text, ())
            values = row[len(self.plan.key_columns) + len(self.plan.fields) :]
            bound = bound_values(column, self.plan.bound_fields, values)
            return self._reseal[place](text, bound)
        except OpenRefused as error:
            self._fail(key, column.name, type(error).__name__, error.key_id)
            return None

    def _fail(self, key: Key, name: str, reason: str, key_id: str = "") -> None:
        if (key, name) in self._failed:
            return
        self._failed.add((key, name))
        pk = ", ".join(str(part) for part in key)
        self.report.add_failure(Failure(self.plan.label, name, pk, reason, key_id))

    def _count(self, changes: list[Change], *, lost: int, refused: list[Change]) -> None:
        for change in changes:
            for place in change.places:
                self.report.columns[self._names[place]].migrated += 1
        if lost:
            # Which rows changed under us is not known; the next sweep finds and counts them.
            self.report.columns[self._names[changes[0].places[0]]].migrated -= lost
        for change in refused:
            for place in change.places:
                self.report.columns[self._names[place]].migrated -= 1
            self._fail(change.key, self.plan.fields[change.places[0]].name, "DuplicateValue")
