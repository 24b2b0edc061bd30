"""What every place that counts does: in memory, through django-ratelimit, on Redis."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.core.cache.backends.locmem import LocMemCache
from redis import Redis

from bt_security.exceptions import StoreUnavailable
from bt_security.ratelimit.cache_counter import CacheCounter
from bt_security.ratelimit.counter import Window
from bt_security.ratelimit.memory import MemoryCounter
from bt_security.ratelimit.redis_counter import RedisCounter

pytestmark = pytest.mark.once

OPERATION = "login"


class RedisTime:
    """Lets time pass for one test by making what the server has counted older."""

    def __init__(self, server):
        self._server = server

    def advance(self, seconds):
        for key in self._server.scan_iter("bt:rl:*"):
            if key.endswith(b":told"):
                left = self._server.pttl(key) - int(seconds * 1000)
                self._server.pexpire(key, left)  # deletes it where nothing is left
                continue
            times = [int(at) - int(seconds * 1000) for at in self._server.lrange(key, 0, -1)]
            ttl = self._server.pttl(key)
            self._server.delete(key)
            self._server.rpush(key, *times)
            self._server.pexpire(key, ttl)


@pytest.fixture
def server():
    """A Redis database whose keys of limits are this run's."""
    client = Redis.from_url(os.environ["BT_TEST_REDIS_URL"])
    yield client
    for key in client.scan_iter("bt:rl:*"):
        client.delete(key)
    client.close()


@pytest.fixture(params=["memory", "cache", pytest.param("redis", marks=pytest.mark.redis)])
def place(request, limits_on):
    """A counter, and the time that it goes by."""
    if request.param == "redis":
        server = request.getfixturevalue("server")
        return RedisCounter(server), RedisTime(server)
    clock = request.getfixturevalue("clock")
    if request.param == "cache":
        return CacheCounter("default"), clock
    return MemoryCounter(clock=clock), clock


@pytest.fixture
def counter(place):
    return place[0]


@pytest.fixture
def time_of(place):
    return place[1]


def window(limit, seconds=900, key=""):
    return Window(key or uuid4().hex, limit, seconds)


def allowed(states):
    return not any(state.wait_seconds for state in states)


def test_one_more_than_the_limit_is_refused(counter):
    budget = window(3)
    assert [allowed(counter.take(OPERATION, [budget])) for _ in range(4)] == [True] * 3 + [False]


def test_a_refusal_says_how_long_to_wait(counter):
    budget = window(1)
    counter.take(OPERATION, [budget])
    (state,) = counter.take(OPERATION, [budget])
    assert 0 < state.wait_seconds <= 900


def test_a_hit_says_what_is_counted_and_when_it_leaves(counter):
    budget = window(3)
    states = [counter.take(OPERATION, [budget])[0] for _ in range(2)]
    assert [state.hits for state in states] == [1, 2]
    assert all(0 < state.reset_seconds <= 900 for state in states)


def test_after_the_wait_there_is_room_again(counter, time_of):
    budget = window(1)
    counter.take(OPERATION, [budget])
    (refused,) = counter.take(OPERATION, [budget])
    time_of.advance(refused.wait_seconds + 1)
    assert allowed(counter.take(OPERATION, [budget]))


def test_trying_while_refused_makes_the_wait_no_longer(counter, time_of):
    budget = window(1)
    counter.take(OPERATION, [budget])
    (first,) = counter.take(OPERATION, [budget])
    time_of.advance(10)
    for _ in range(20):
        (last,) = counter.take(OPERATION, [budget])
    assert last.wait_seconds <= first.wait_seconds - 9


def test_a_hit_that_one_budget_refuses_is_counted_by_none(counter):
    small, large = window(1), window(5)
    counter.take(OPERATION, [large, small])
    for _ in range(10):
        assert not allowed(counter.take(OPERATION, [large, small]))
    (state,) = counter.take(OPERATION, [large])
    assert state.hits == 2


def test_the_order_of_the_budgets_makes_no_difference(counter):
    small, large = window(1), window(5)
    counter.take(OPERATION, [small, large])
    for _ in range(10):
        assert not allowed(counter.take(OPERATION, [small, large]))
    (state,) = counter.take(OPERATION, [large])
    assert state.hits == 2


def test_budgets_of_different_keys_are_separate(counter):
    one, other = window(1), window(1)
    counter.take(OPERATION, [one])
    assert allowed(counter.take(OPERATION, [other]))


def test_only_the_first_refusal_is_news(counter):
    budget = window(2)
    news = [counter.take(OPERATION, [budget])[0].is_news for _ in range(6)]
    assert news == [False, False, True, False, False, False]


def test_only_the_first_refusal_is_news_with_two_budgets(counter):
    small, large = window(1), window(5)
    states = [counter.take(OPERATION, [small, large]) for _ in range(4)]
    assert [[state.is_news for state in both] for both in states] == [
        [False, False],
        [True, False],
        [False, False],
        [False, False],
    ]


def test_the_next_lock_is_news_again(counter, time_of):
    budget = window(1, seconds=60)
    counter.take(OPERATION, [budget])
    counter.take(OPERATION, [budget])
    time_of.advance(61)
    counter.take(OPERATION, [budget])
    assert counter.take(OPERATION, [budget])[0].is_news


def test_of_fifty_threads_exactly_ten_pass(counter):
    budgets = [window(10), window(40)]
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda _: counter.take(OPERATION, budgets), range(50)))
    assert sum(map(allowed, answers)) == 10


@pytest.mark.parametrize(
    "place", ["memory", pytest.param("redis", marks=pytest.mark.redis)], indirect=True
)
def test_no_interval_of_the_windows_length_has_more_hits_than_allowed(counter, time_of):
    budget, passed = window(5, seconds=60), []
    for second in range(0, 150, 3):
        if allowed(counter.take(OPERATION, [budget])):
            passed.append(second)
        time_of.advance(3)
    assert len(passed) >= 10
    assert all(sum(start <= at < start + 60 for at in passed) <= 5 for start in range(150))


@pytest.mark.parametrize(
    "place", ["memory", pytest.param("redis", marks=pytest.mark.redis)], indirect=True
)
def test_a_lowered_limit_counts_what_was_there_before(counter):
    key = uuid4().hex
    for _ in range(5):
        counter.take(OPERATION, [window(5, key=key)])
    (state,) = counter.take(OPERATION, [window(2, key=key)])
    assert state.wait_seconds > 0


def test_refused_hits_drive_no_budget_out_of_the_memory(clock):
    counter = MemoryCounter(clock=clock, max_buckets=10)
    address, account = Window("address", 1, 60), Window("account", 1, 60)
    for window in (account, address):
        counter.take(OPERATION, [window])
    for number in range(50):
        counter.take(OPERATION, [address, Window(f"other{number}", 1, 60)])
    assert counter.take(OPERATION, [account])[0].wait_seconds > 0


def test_memory_forgets_what_was_not_hit_for_longest(clock):
    counter = MemoryCounter(clock=clock, max_buckets=2)
    old, used, new = window(1, key="old"), window(1, key="used"), window(1, key="new")
    for budget in (old, used, used, new):
        counter.take(OPERATION, [budget])
    assert [allowed(counter.take(OPERATION, [budget])) for budget in (used, old)] == [False, True]


@pytest.fixture
def cache_counter(limits_on, clock):
    return CacheCounter("default")


@pytest.mark.parametrize(
    ("name", "value"), [("RATELIMIT_ENABLE", False), ("RATELIMIT_USE_CACHE", "other")]
)
def test_django_ratelimit_that_does_not_count_there_is_no_answer(
    settings, cache_counter, name, value
):
    setattr(settings, name, value)
    with pytest.raises(StoreUnavailable):
        cache_counter.take(OPERATION, [window(1)])


class AwayCache(LocMemCache):
    """A cache whose server is not there."""

    def add(self, *args, **kwargs):
        raise ConnectionRefusedError


class ClientFailed(Exception):
    """What a client of memcached raises, which is no `OSError`."""


class MemcachedAway(LocMemCache):
    """A cache whose client says in its own words that the server is not there."""

    def add(self, *args, **kwargs):
        raise ClientFailed


class ForgetfulCache(LocMemCache):
    """A cache that has lost a key by the time it is counted up."""

    def incr(self, key, *args, **kwargs):
        raise ValueError(key)


@pytest.mark.parametrize(("kind", "before"), [(AwayCache, 0), (ForgetfulCache, 1)])
def test_a_cache_without_an_answer_is_said_to_be_away(settings, cache_counter, kind, before):
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.{kind.__name__}", "LOCATION": "x"}}
    budget = window(2)
    for _ in range(before):
        cache_counter.take(OPERATION, [budget])
    with pytest.raises(StoreUnavailable):
        cache_counter.take(OPERATION, [budget])


@pytest.mark.parametrize(
    ("module", "name"), [("pymemcache.exceptions", "MemcacheError"), ("pylibmc", "Error")]
)
def test_an_error_of_a_memcached_client_says_that_the_cache_is_away(
    settings, cache_counter, monkeypatch, module, name
):
    monkeypatch.setitem(sys.modules, module, SimpleNamespace(**{name: ClientFailed}))
    backend = f"{__name__}.MemcachedAway"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "x"}}
    with pytest.raises(StoreUnavailable):
        cache_counter.take(OPERATION, [window(2)])
