"""Where hits are counted: chosen by the cache, and by this process itself while that is away."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple, cast

from django.core.cache import BaseCache, caches

from bt_security.conf import conf
from bt_security.conf.caches import counts_nothing, is_redis
from bt_security.exceptions import StoreUnavailable
from bt_security.ratelimit.counter import Counter, State, Window
from bt_security.ratelimit.memory import MemoryCounter

logger = logging.getLogger("bt_security.ratelimit")

BREAK_SECONDS = 5.0
"""After a failure the cache is asked again by one hit only, this much later."""

own_memory = MemoryCounter()
"""The counter of this process: while the cache is away, and where the cache cannot count."""


class Breaker:
    """Keeps a counter that failed from being asked by every hit."""

    def __init__(self, counter: Counter, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._counter = counter
        self._clock = clock
        self._lock = threading.Lock()
        self._next_try: float | None = None

    def take(self, operation: str, windows: Sequence[Window]) -> list[State]:
        """Count where the counter counts.

        Raises:
            StoreUnavailable: it failed now, or did a moment ago and is not asked.
        """
        if not self._may_try():
            raise StoreUnavailable("the place that counts did not answer a moment ago")
        try:
            states = self._counter.take(operation, windows)
        except StoreUnavailable as error:
            self._open(error)
            raise
        self._close()
        return states

    def _may_try(self) -> bool:
        if self._next_try is None:
            return True
        with self._lock:
            now = self._clock()
            if self._next_try is None or now < self._next_try:
                return self._next_try is None
            self._next_try = now + BREAK_SECONDS
            return True

    def _open(self, error: StoreUnavailable) -> None:
        with self._lock:
            is_news = self._next_try is None
            self._next_try = self._clock() + BREAK_SECONDS
        if is_news:
            logger.error(
                "Rate limits are counted by each process for itself: %s (%s).",
                error,
                type(error.__cause__ or error).__name__,
            )

    def _close(self) -> None:
        if self._next_try is None:
            return
        with self._lock:
            self._next_try = None
        logger.warning("Rate limits are counted in the cache again.")


class _Chosen(NamedTuple):
    config: object
    counter: Counter


_chosen: dict[str, _Chosen] = {}
_choosing = threading.Lock()


def take(operation: str, windows: Sequence[Window]) -> list[State] | None:
    """Count one hit, None if nothing counts it because the operation stays open meanwhile.

    Raises:
        ImproperlyConfigured: a setting of this package is malformed.
    """
    try:
        return _counter().take(operation, windows)
    except StoreUnavailable:
        if operation in conf.ratelimit.fail_open:
            return None
        return own_memory.take(operation, windows)


def _counter() -> Counter:
    alias = conf.ratelimit.cache
    config = caches.settings.get(alias)
    chosen = _chosen.get(alias)
    if chosen is None or chosen.config is not config:
        with _choosing:  # two of them would not see each other's hits
            chosen = _chosen.get(alias)
            if chosen is None or chosen.config is not config:
                chosen = _chosen[alias] = _Chosen(config, _choose(alias))
    return chosen.counter


def _choose(alias: str) -> Counter:
    if alias not in caches.settings or counts_nothing(alias):
        logger.error(
            "Rate limits are counted by each process for itself: the cache %r cannot count. "
            "`manage.py check` says more.",
            alias,
        )
        return own_memory
    if is_redis(alias):
        return Breaker(_redis_counter(caches[alias]))
    module = import_module("bt_security.ratelimit.cache_counter")
    return Breaker(cast(Counter, module.CacheCounter(alias)))


def _redis_counter(cache: BaseCache) -> Counter:
    module: Any = import_module("bt_security.ratelimit.redis_counter")
    return cast(Counter, module.RedisCounter(module.client_of(cache)))
