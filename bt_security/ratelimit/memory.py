"""Counts in the memory of this process: the stand-in while the shared place is away."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence

from bt_security.ratelimit.counter import State, Window

MAX_BUCKETS = 100_000
"""Budgets kept at once; beyond it those that were not hit for longest are forgotten."""


class _Bucket:
    """Times of the hits that still count, oldest first, and until when a refusal is no news."""

    __slots__ = ("silent_until", "times")

    def __init__(self) -> None:
        self.times: deque[float] = deque()
        self.silent_until = 0.0


class MemoryCounter:
    """Remembers each hit for the length of its window, so no interval ever has more than allowed.

    `clock` returns seconds that never run backwards.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, max_buckets: int = MAX_BUCKETS
    ) -> None:
        self._clock = clock
        self._max_buckets = max_buckets
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, operation: str, windows: Sequence[Window]) -> list[State]:
        """Count one hit in all windows if all of them have room, and in none if not."""
        with self._lock:
            now = self._clock()
            buckets = [self._current(window, now) for window in windows]
            pairs = list(zip(buckets, windows, strict=True))
            if all(len(bucket.times) < window.limit for bucket, window in pairs):
                for bucket, window in pairs:
                    bucket.times.append(now)
                    self._keep(window.key, bucket)
                return [_state(*pair, now=now, wait=0.0) for pair in pairs]
            return [_refused(*pair, now=now) for pair in pairs]

    def clear(self) -> None:
        """Forget every hit."""
        with self._lock:
            self._buckets.clear()

    def _current(self, window: Window, now: float) -> _Bucket:
        bucket = self._buckets.get(window.key)
        if bucket is None:
            return _Bucket()  # kept with its first hit: refused ones must not drive others out
        self._buckets.move_to_end(window.key)
        while bucket.times and bucket.times[0] <= now - window.seconds:
            bucket.times.popleft()
        return bucket

    def _keep(self, key: str, bucket: _Bucket) -> None:
        self._buckets[key] = bucket
        while len(self._buckets) > self._max_buckets:
            self._buckets.popitem(last=False)


def _refused(bucket: _Bucket, window: Window, *, now: float) -> State:
    surplus = len(bucket.times) - window.limit
    if surplus < 0:
        return _state(bucket, window, now=now, wait=0.0)
    wait = bucket.times[surplus] + window.seconds - now
    is_news = now >= bucket.silent_until
    if is_news:
        bucket.silent_until = now + wait
    return _state(bucket, window, now=now, wait=wait)._replace(is_news=is_news)


def _state(bucket: _Bucket, window: Window, *, now: float, wait: float) -> State:
    oldest = bucket.times[0] if bucket.times else now
    return State(len(bucket.times), oldest + window.seconds - now, wait, is_news=False)
