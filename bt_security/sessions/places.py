"""Where the cache engine keeps sealed content: on a Redis server itself, or in any other cache.

Through Django's Redis cache every value would be unpickled before it is judged; here it is text
that opens or does not. It is also read from the server that is written to, with a short timeout.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple, Protocol

from django.core.cache import BaseCache, caches

from bt_security.conf.caches import is_redis, unreachable_errors
from bt_security.exceptions import StoreUnavailable

logger = logging.getLogger("bt_security.sessions")


class Place(Protocol):
    """Keeps texts for some seconds; a time of 0 keeps nothing.

    Every method raises StoreUnavailable when the server does not answer.
    """

    def get(self, key: str) -> str | None:
        """Return the text, None if there is none."""

    def has(self, key: str) -> bool:
        """Whether there is a text."""

    def add(self, key: str, text: str, seconds: int) -> bool:
        """Keep a text; False if there is one already."""

    def put(self, key: str, text: str, seconds: int) -> None:
        """Keep a text in the place of another."""

    def prolong(self, key: str, seconds: int) -> None:
        """Keep a text for as long from now on."""

    def remove(self, keys: Sequence[str]) -> int:
        """Forget texts; return how many there were."""


class CachePlace:
    """A cache of Django."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def get(self, key: str) -> str | None:
        """Return the text, None if there is none."""
        with _reachable():
            found = self._cache.get(key)
        return found if isinstance(found, str) else None

    def has(self, key: str) -> bool:
        """Whether there is a text."""
        with _reachable():
            return bool(self._cache.has_key(key))

    def add(self, key: str, text: str, seconds: int) -> bool:
        """Keep a text; False if there is one already."""
        with _reachable():
            return bool(self._cache.add(key, text, seconds))

    def put(self, key: str, text: str, seconds: int) -> None:
        """Keep a text in the place of another."""
        with _reachable():
            self._cache.set(key, text, seconds)

    def prolong(self, key: str, seconds: int) -> None:
        """Keep a text for as long from now on."""
        with _reachable():
            self._cache.touch(key, seconds)

    def remove(self, keys: Sequence[str]) -> int:
        """Forget texts; return how many there were."""
        with _reachable():
            return sum(map(self._cache.delete, keys))

    @property
    def _cache(self) -> BaseCache:
        return caches[self._alias]  # each thread has its own


class RedisPlace:
    """The server of a Redis cache, under the cache's own prefix and version."""

    def __init__(self, cache: BaseCache, client: Any) -> None:
        self._name = cache.make_key
        self._client = client

    def get(self, key: str) -> str | None:
        """Return the text, None if there is none."""
        try:  # without a context manager: every request comes by here
            found = self._client.get(self._name(key))
        except unreachable_errors() as error:
            raise _unreachable(error) from error
        return found.decode("utf-8", "replace") if isinstance(found, bytes) else found

    def has(self, key: str) -> bool:
        """Whether there is a text."""
        with _reachable():
            return bool(self._client.exists(self._name(key)))

    def add(self, key: str, text: str, seconds: int) -> bool:
        """Keep a text; False if there is one already."""
        if seconds <= 0:
            return not self.has(key)
        with _reachable():
            return bool(self._client.set(self._name(key), text, ex=seconds, nx=True))

    def put(self, key: str, text: str, seconds: int) -> None:
        """Keep a text in the place of another."""
        with _reachable():
            if seconds <= 0:
                self._client.delete(self._name(key))
            else:
                self._client.set(self._name(key), text, ex=seconds)

    def prolong(self, key: str, seconds: int) -> None:
        """Keep a text for as long from now on."""
        with _reachable():
            self._client.expire(self._name(key), seconds)

    def remove(self, keys: Sequence[str]) -> int:
        """Forget texts; return how many there were."""
        with _reachable():  # one by one: in a cluster each may be on another node
            return sum(int(self._client.delete(self._name(key))) for key in keys)


class _Chosen(NamedTuple):
    config: object
    place: Place


_chosen: dict[str, _Chosen] = {}
_choosing = threading.Lock()


def place_of(alias: str) -> Place:
    """Return where the cache of an alias keeps sessions."""
    config = caches.settings.get(alias)
    chosen = _chosen.get(alias)
    if chosen is None or chosen.config is not config:
        with _choosing:
            chosen = _chosen[alias] = _Chosen(config, _choose(alias))
    return chosen.place


def _choose(alias: str) -> Place:
    if not is_redis(alias):
        return CachePlace(alias)
    # The one module that imports redis.
    module: Any = import_module("bt_security.ratelimit.redis_counter")
    return RedisPlace(caches[alias], module.client_of(caches[alias]))


@contextmanager
def _reachable() -> Iterator[None]:
    """Turn the errors of a cache that does not answer into ours.

    Raises:
        StoreUnavailable: it does not answer.
    """
    try:
        yield
    except unreachable_errors() as error:
        raise _unreachable(error) from error


def _unreachable(error: Exception) -> StoreUnavailable:
    logger.error("The cache of the sessions does not answer: %s", type(error).__name__)
    return StoreUnavailable("the cache of the sessions does not answer")
