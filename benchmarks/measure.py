"""Pairs of measurements: ours and a floor, back to back, in alternating order."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Timed = Callable[[], float]
"""Prepares, then does the work once and returns the seconds that the work alone took."""


@dataclass(frozen=True)
class Options:
    """What the command line asked for, the same in every benchmark."""

    rows: int = 20_000
    large_rows: int = 1_000_000
    repeats: int = 7
    large_repeats: int = 5
    clock: str = "wall"

    @property
    def field_values(self) -> int:
        """Values in one field-level measurement."""
        return max(50, min(self.rows // 4, 5_000))


@dataclass
class Pairs:
    """Seconds of both sides, one entry a repeat."""

    ours: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        return [ours / floor for ours, floor in zip(self.ours, self.floor, strict=True)]


class Stopwatch:
    """Times a `with` block by wall clock, or by this process's CPU time on a shared machine."""

    def __init__(self, clock: str = "wall") -> None:
        self._now = time.process_time if clock == "cpu" else time.perf_counter
        self.seconds = 0.0

    def __enter__(self) -> Stopwatch:
        gc.collect()
        self._started = self._now()
        return self

    def __exit__(self, *_: Any) -> None:
        self.seconds = self._now() - self._started


def paired(ours: Timed, floor: Timed, repeats: int, *, warm: bool = True) -> Pairs:
    """Run both `repeats` times; which of them goes first changes every time."""
    if warm:
        ours()
        floor()
    pairs = Pairs()
    for number in range(repeats):
        if number % 2:
            pairs.ours.append(ours())
            pairs.floor.append(floor())
        else:
            pairs.floor.append(floor())
            pairs.ours.append(ours())
    return pairs


def spread(values: list[float]) -> tuple[float, float, float]:
    """Return median, least and greatest."""
    return statistics.median(values), min(values), max(values)
