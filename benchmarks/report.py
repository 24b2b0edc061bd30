"""Lines of a result: as a table for people, as JSON for other programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.measure import Pairs, spread

HEAD = ("what", "ours", "floor", "ratio", "min..max", "target")

UNITS: dict[str, Callable[[float], str]] = {
    "us": lambda seconds: f"{seconds * 1e6:.2f} us",
    "ms": lambda seconds: f"{seconds * 1e3:.1f} ms",
    "s": lambda seconds: f"{seconds:.3f} s",
    "B": lambda count: f"{count:,.0f} B",
    "MB": lambda megabytes: f"{megabytes:.1f} MB",
    "rows/s": lambda rate: f"{rate:,.0f} rows/s",
    "queries": lambda count: f"{count:.0f}",
}


@dataclass(frozen=True)
class Line:
    """One comparison. `ratios` holds every repeat; `at_most` is the target of their median."""

    what: str
    ours: float
    floor: float
    unit: str
    ratios: tuple[float, ...] = ()
    at_most: float | None = None
    target: str = ""

    @classmethod
    def of(
        cls, what: str, pairs: Pairs, unit: str, *, count: int = 1, at_most: float | None = None
    ) -> Line:
        """Make a line of pairs that did `count` things each."""
        ours, floor = (spread(side)[0] / count for side in (pairs.ours, pairs.floor))
        return cls(what, ours, floor, unit, tuple(pairs.ratios), at_most)

    @classmethod
    def rate(cls, what: str, pairs: Pairs, rows: int, *, at_most: float | None = None) -> Line:
        """Make a line in rows per second; the ratio is still that of the times."""
        ours, floor = (rows / spread(side)[0] for side in (pairs.ours, pairs.floor))
        return cls(what, ours, floor, "rows/s", tuple(pairs.ratios), at_most)

    def cells(self) -> tuple[str, ...]:
        """Return the texts of the table's columns."""
        show = UNITS[self.unit]
        middle, least, most = spread(list(self.ratios)) if self.ratios else (0.0, 0.0, 0.0)
        target = self.target or ("" if self.at_most is None else f"<= {self.at_most:g}x")
        return (
            self.what,
            show(self.ours),
            show(self.floor) if self.floor else "-",
            f"{middle:.2f}x" if self.ratios else "-",
            f"{least:.2f}..{most:.2f}" if self.ratios else "-",
            target or "-",
        )


@dataclass(frozen=True)
class Result:
    """What one benchmark found. `notes` are sentences that belong under the table."""

    title: str
    lines: Sequence[Line]
    notes: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """Return everything, every repeat included, and the load average at the end."""
        return {**asdict(self), "load": os.getloadavg()[0]}

    def show(self) -> None:
        """Print the table and the load that it was measured under."""
        load = " ".join(f"{value:.2f}" for value in os.getloadavg())
        print(f"\n== {self.title} (load average {load})")
        rows = [HEAD, *(line.cells() for line in self.lines)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
        for first, *others in rows:
            right = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
            print("  ".join([first.ljust(widths[0]), *right]))
        print("\n".join(self.notes), end="\n" if self.notes else "", flush=True)
