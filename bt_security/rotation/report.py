"""What a rotation did, as numbers and as rows that did not open."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

LISTED_FAILURES = 50


@dataclass(frozen=True, slots=True)
class Failure:
    """One value that could not be re-sealed: where it is and why, never what it is."""

    model: str
    field: str
    pk: str
    reason: str
    key_id: str = ""

    def __str__(self) -> str:
        key = f", key id {self.key_id}" if self.key_id else ""
        return f"{self.model}.{self.field} (primary key {self.pk}): {self.reason}{key}"


@dataclass(slots=True)
class ColumnCount:
    """Values of one column: `migrated + already + skipped + failed` is `total`."""

    column: str
    total: int = 0
    migrated: int = 0
    already: int = 0
    failed: int = 0


@dataclass(slots=True)
class Report:
    """The outcome of one run.

    `lost_races` counts rows that changed between read and write; `seconds` leaves out the
    wait until every process has noticed that values move to an operator key.
    """

    target: str = ""
    columns: dict[str, ColumnCount] = field(default_factory=dict)
    purpose_keys: int = 0
    rows: int = 0
    lost_races: int = 0
    failed: int = 0
    failures: list[Failure] = field(default_factory=list)
    phase: str = ""
    orphans: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add_failure(self, failure: Failure) -> None:
        """Count a failure, and list the first of them."""
        self.failed += 1
        column = self.columns.get(f"{failure.model}.{failure.field}")
        if column is not None:
            column.failed += 1
        if len(self.failures) < LISTED_FAILURES:
            self.failures.append(failure)

    def merge(self, other: Report) -> None:
        """Add what another worker did; two workers may meet the same failure."""
        for name, count in other.columns.items():
            mine = self.columns.setdefault(name, ColumnCount(name))
            mine.migrated += count.migrated
        self.rows += other.rows
        self.lost_races += other.lost_races
        known = set(self.failures)
        for failure in other.failures:
            if failure not in known:
                self.add_failure(failure)

    @property
    def migrated(self) -> int:
        """Values that were re-sealed."""
        return sum(column.migrated for column in self.columns.values())

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {**asdict(self), "columns": [asdict(column) for column in self.columns.values()]}
