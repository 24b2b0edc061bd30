"""Counts in Django's cache through django-ratelimit: where one process serves, and on memcached.

Its windows are fixed and begin at a moment of their own for each budget: around it, up to twice
the limit passes. A place that counts without this edge is Redis.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from django_ratelimit.core import get_usage

from bt_security.conf import conf
from bt_security.conf.caches import unreachable_errors
from bt_security.exceptions import StoreUnavailable
from bt_security.ratelimit.counter import State, Window


class CacheCounter:
    """Lets django-ratelimit count in the cache of this alias, one hit of this process at a time."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._lock = threading.Lock()

    def take(self, operation: str, windows: Sequence[Window]) -> list[State]:
        """Count one hit in all windows if all of them have room, and in none if not.

        Between processes that share the cache each budget is exact by itself, and a hit that one
        budget refuses may have been counted in another.

        Raises:
            StoreUnavailable: the cache does not answer, or django-ratelimit is not to use it.
        """
        if not conf.ratelimit.is_counted_by_django_ratelimit(self._alias):
            raise StoreUnavailable("django-ratelimit counts in another cache")
        *others, last = windows
        with self._lock:
            states = [_usage(operation, window, increment=False) for window in others]
            is_free = not any(state.wait_seconds for state in states)
            states.append(_usage(operation, last, increment=is_free))
            if is_free and not states[-1].wait_seconds:
                counted = [_usage(operation, window, increment=True) for window in others]
                return [*counted, states[-1]]
            pairs = zip(windows, states, strict=True)
            return [_noted(operation, window, state) for window, state in pairs]


def _noted(operation: str, window: Window, state: State) -> State:
    """Count the first refusal of a full budget, by which the next one is known as no news."""
    is_first = state.wait_seconds > 0 and state.hits == window.limit
    return _usage(operation, window, increment=True) if is_first else state


def _usage(operation: str, window: Window, *, increment: bool) -> State:
    try:
        usage = get_usage(
            None,
            group=operation,
            key=lambda group, request: window.key,
            rate=(window.limit, window.seconds),
            increment=increment,
        )
    except unreachable_errors() as error:
        raise StoreUnavailable("the cache that counts does not answer") from error
    # What it says when it is switched off, and when the cache gave no count.
    if usage is None or usage["limit"] == 0:
        raise StoreUnavailable("django-ratelimit got no count from the cache")
    count, left = int(usage["count"]), float(max(usage["time_left"], 1))
    is_over = count > window.limit if increment else count >= window.limit
    is_news = increment and count == window.limit + 1
    return State(count, left, left if is_over else 0.0, is_news)
