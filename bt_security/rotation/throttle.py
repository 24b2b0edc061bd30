"""An upper bound on rows per second."""

from __future__ import annotations

import time


class Throttle:
    """Sleeps after each page so that no more than `rows_per_second` pass on average."""

    def __init__(self, rows_per_second: float | None) -> None:
        self._rows_per_second = rows_per_second
        self._started = time.monotonic()
        self._rows = 0

    def passed(self, rows: int) -> None:
        """Count `rows` and wait until the rate allows them."""
        if self._rows_per_second is None:
            return
        self._rows += rows
        due = self._started + self._rows / self._rows_per_second
        time.sleep(max(0.0, due - time.monotonic()))
