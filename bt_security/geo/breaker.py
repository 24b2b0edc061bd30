"""Keeps a provider that fails from being asked for each log-in, and the log from filling up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

logger = logging.getLogger("bt_security.geo")

FAILURES_IN_A_ROW = 3
WARN_EVERY_SECONDS = 300.0
"""A provider that fails now and then is one outage after the other: they share a warning."""


class Breaker:
    """Counts failures in a row; after three of them one look-up tries again after each pause."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._next_try: float | None = None
        self._warned_at: float | None = None
        self._is_told = False

    def may_ask(self, *, pause_seconds: float) -> bool:
        """Tell whether to ask now; of all that want to after a pause, one may."""
        with self._lock:
            now = self._clock()
            if self._next_try is None:
                return True
            if now < self._next_try:
                return False
            self._next_try = now + pause_seconds
            return True

    def failed(self, why: str, *, pause_seconds: float, retry_after_seconds: float = 0.0) -> None:
        """Note a failure. The first of an outage is a warning, with `why`."""
        with self._lock:
            now = self._clock()
            self._failures += 1
            is_open = self._failures >= FAILURES_IN_A_ROW
            if is_open or retry_after_seconds > 0:
                wait = max(retry_after_seconds, pause_seconds if is_open else 0.0)
                self._next_try = now + wait
            is_recent = self._warned_at is not None and now - self._warned_at < WARN_EVERY_SECONDS
            is_news = not self._is_told and not is_recent
            if is_news:
                self._is_told, self._warned_at = True, now
        if is_news:
            logger.warning("Addresses cannot be located for now (%s).", why)

    def succeeded(self) -> None:
        """Note an answer, which ends an outage."""
        if not self._failures:  # nearly always
            return
        with self._lock:
            was_told, self._is_told = self._is_told, False
            self._failures, self._next_try = 0, None
        if was_told:
            logger.info("Addresses can be located again.")
