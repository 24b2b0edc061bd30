"""Counts on Redis: all windows of an operation in one atomic round trip.

The package `limits` decides one window a call and tells what is left by another; the script below
decides them all and brings every figure back with the answer. This is the only module here that
imports `redis`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from django.core.cache import BaseCache
from redis import Connection, ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ServerAway
from redis.exceptions import NoScriptError, RedisError
from redis.retry import Retry

from bt_security.exceptions import StoreUnavailable
from bt_security.ratelimit.counter import State, Window

TIMEOUT_SECONDS = 0.5
"""How long a check waits for the server where `CACHES` sets no `socket_timeout` of its own."""

# One list a budget, with the times of the hits that still count. The server's clock is the only
# one. A refused hit leaves nothing but the mark that it was reported, so a key's time to live is
# that of its newest hit, set in the same step: there is no key without one.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local half, is_free, reply = #KEYS / 2, true, {}
for i = 1, half do
  local key, limit, window = KEYS[i], tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local oldest = tonumber(redis.call('LINDEX', key, 0))
  while oldest and oldest <= now - window do
    redis.call('LPOP', key)
    oldest = tonumber(redis.call('LINDEX', key, 0))
  end
  local count, wait = redis.call('LLEN', key), 0
  if count >= limit then
    is_free = false
    wait = tonumber(redis.call('LINDEX', key, count - limit)) + window - now
    wait = math.max(1, math.min(wait, window))
  end
  reply[4 * i - 3] = count
  reply[4 * i - 2] = math.min((oldest or now) + window - now, window)
  reply[4 * i - 1] = wait
  reply[4 * i] = 0
end
for i = 1, half do
  local wait = reply[4 * i - 1]
  if is_free then
    redis.call('RPUSH', KEYS[i], now)
    redis.call('PEXPIRE', KEYS[i], ARGV[2 * i])
    reply[4 * i - 3] = reply[4 * i - 3] + 1
  elseif wait > 0 and redis.call('SET', KEYS[half + i], 1, 'NX', 'PX', wait) then
    reply[4 * i] = 1
  end
end
return reply
"""
_SCRIPT_DIGEST = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()
_FIGURES_PER_WINDOW = 4


class RedisCounter:
    """Counts on the server of a Redis cache, with its own short timeout.

    Raises:
        StoreUnavailable: on use, the server does not answer in time or refuses to write.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client

    def take(self, operation: str, windows: Sequence[Window]) -> list[State]:
        """Count one hit in all windows if all of them have room, and in none if not.

        Raises:
            StoreUnavailable: the server does not answer in time or refuses to write.
        """
        # The braces keep the keys of one operation on one node of a cluster.
        keys = [f"bt:rl:{{{operation}}}:{window.key}" for window in windows]
        keys += [f"{key}:told" for key in keys]
        arguments = [figure for each in windows for figure in (each.limit, each.seconds * 1000)]
        try:
            figures = self._run(keys, arguments)
        except (RedisError, OSError) as error:
            raise StoreUnavailable("the Redis server that counts does not answer") from error
        return [
            State(count, reset / 1000, wait / 1000, bool(is_news))
            for count, reset, wait, is_news in zip(
                *(figures[start::_FIGURES_PER_WINDOW] for start in range(_FIGURES_PER_WINDOW)),
                strict=True,
            )
        ]

    def _run(self, keys: list[str], arguments: list[int]) -> list[int]:
        try:
            figures: Any = self._client.evalsha(_SCRIPT_DIGEST, len(keys), *keys, *arguments)
        except NoScriptError:  # a new server, or one that was restarted
            figures = self._client.eval(SCRIPT, len(keys), *keys, *arguments)
        return list(figures)


def client_of(cache: BaseCache) -> Redis:
    """Return a client of the server that a cache of Django or of django-redis writes to.

    It has connections of its own, because those of the cache wait without end by default.
    """
    pool = _client_inside(cache).connection_pool
    if type(pool) is not ConnectionPool:
        return Redis(connection_pool=pool)  # sentinels and others know best how to connect
    options = {
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": TIMEOUT_SECONDS,
        **{name: value for name, value in pool.connection_kwargs.items() if value is not None},
        # Once more at once: a connection of the pool may be left from before a restart.
        "retry": Retry(NoBackoff(), 1, supported_errors=(ServerAway,)),
    }
    kind: type[Connection] = pool.connection_class
    own = ConnectionPool(kind, pool.max_connections, **options)
    return Redis(connection_pool=own)


def _client_inside(cache: Any) -> Redis:
    """Reach through the cache: Django's keeps its client in `_cache`, django-redis in `client`."""
    inner = cache.client if hasattr(cache, "client") else cache._cache
    client: Redis = inner.get_client(write=True)
    return client
