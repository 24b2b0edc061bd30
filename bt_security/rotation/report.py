"""What a rotation did, as numbers and as rows that did not open."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import DEFAULT_DB_ALIAS

LISTED_FAILURES = 50


@dataclass(frozen=True, slots=True)
class Failure:
    """One value that could not be re-sealed: where it is and why, never what it is."""

    model: str
    field: str
    pk: str
    reason: str
    key_id: str = ""
    database: str = DEFAULT_DB_ALIAS

    def __str__(self) -> str:
        key = f", key id {self.key_id}" if self.key_id else ""
        where = f", database {self.database}" if self.database != DEFAULT_DB_ALIAS else ""
        return f"{self.model}.{self.field} (primary key {self.pk}{where}): {self.reason}{key}"


_Place = tuple[str, str, str, str]


@dataclass(slots=True)
class ColumnCount:
    """Values of one column: `migrated + already + failed` is `total`."""

    column: str
    total: int = 0
    migrated: int = 0
    already: int = 0
    failed: int = 0


@dataclass(slots=True)
class Report:
    """The outcome of one run.

    `lost_races` counts rows that changed between read and write; `seconds` leaves out the
    wait until every process has noticed that values move to an operator key. `orphans` are
    columns with sealed values and no installed model, `still_written` models that some process
    goes on sealing under an old key.
    """

    target: str = ""
    columns: dict[str, ColumnCount] = field(default_factory=dict)
    purpose_keys: int = 0
    rows: int = 0
    lost_races: int = 0
    failures: list[Failure] = field(default_factory=list)
    phase: str = ""
    orphans: list[str] = field(default_factory=list)
    still_written: list[str] = field(default_factory=list)
    seconds: float = 0.0
    _failed: set[_Place] = field(default_factory=set, repr=False)

    @property
    def failed(self) -> int:
        """Values that could not be re-sealed."""
        return len(self._failed)

    def add_failure(self, failure: Failure) -> bool:
        """Count a failure and list the first of them; False if it was counted before."""
        place = (failure.database, failure.model, failure.field, failure.pk)
        is_new = self._count_failure(place)
        if is_new and len(self.failures) < LISTED_FAILURES:
            self.failures.append(failure)
        return is_new

    def _count_failure(self, place: _Place) -> bool:
        if place in self._failed:
            return False
        self._failed.add(place)
        column = self.columns.get(f"{place[1]}.{place[2]}")
        if column is not None:
            column.failed += 1
        return True

    def merge(self, other: Report) -> None:
        """Add what another worker did; two workers may meet the same failure."""
        for name, count in other.columns.items():
            mine = self.columns.setdefault(name, ColumnCount(name))
            mine.migrated += count.migrated
            mine.already += count.already
        self.rows += other.rows
        self.lost_races += other.lost_races
        for failure in other.failures:
            self.add_failure(failure)
        for place in other._failed:
            self._count_failure(place)

        for model in other.still_written:
            self.add_still_written(model)

    def add_still_written(self, model: str) -> None:
        """Note a model whose rows some process goes on sealing under an old key."""
        if model not in self.still_written:
            self.still_written.append(model)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left that an old key is needed for."""
        return not (self.failed or self.orphans or self.still_written)

    @property
    def migrated(self) -> int:
        """Values that were re-sealed."""
        return sum(column.migrated for column in self.columns.values())

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        values = asdict(self)
        del values["_failed"]
        columns = [asdict(column) for column in self.columns.values()]
        return {**values, "columns": columns, "migrated": self.migrated, "failed": self.failed}
