"""How far a rotation is: a bar on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from tqdm import tqdm

from bt_security.rotation.report import Report

LINE_SECONDS = 10.0


def expected_rows(report: Report, *, everything: bool) -> int:
    """Estimate how many rows will be looked at from the counts of their columns."""
    per_model: dict[str, int] = {}
    for count in report.columns.values():
        model = count.column.rpartition(".")[0]
        values = count.total if everything else count.total - count.already
        per_model[model] = max(per_model.get(model, 0), values)
    return sum(per_model.values())


@contextmanager
def progress(
    stream: TextIO, *, total: int, enabled: bool, every_seconds: float = LINE_SECONDS
) -> Iterator[Callable[[int], None]]:
    """Give a function that is told how many rows were looked at.

    `total` is the expected number of rows; a later sweep may look at a row again.
    """
    if not enabled:
        yield lambda rows: None
    elif stream.isatty():
        with tqdm(total=total, unit="row", file=stream, dynamic_ncols=True) as bar:

            def add(rows: int) -> None:
                bar.update(rows)

            yield add
    else:
        yield _Lines(stream, total, every_seconds).add


class _Lines:
    def __init__(self, stream: TextIO, total: int, every_seconds: float) -> None:
        self._stream = stream
        self._total = total
        self._every = every_seconds
        self._rows = 0
        self._started = self._last = time.monotonic()

    def add(self, rows: int) -> None:
        self._rows += rows
        now = time.monotonic()
        if now - self._last < self._every or not self._rows:
            return
        self._last = now
        rate = self._rows / (now - self._started)
        left = max(self._total - self._rows, 0) / rate
        self._stream.write(
            f"{self._rows} of {self._total} rows, {rate:.0f} rows/s, {left:.0f} s left\n"
        )
        self._stream.flush()
