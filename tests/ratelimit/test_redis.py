"""Limits that processes share through Redis, and what happens while the server is away."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.core.cache import caches
from redis import BlockingConnectionPool, ConnectionPool, Redis

from bt_security import ratelimit
from bt_security.exceptions import StoreUnavailable
from bt_security.ratelimit import place
from bt_security.ratelimit.counter import Window
from bt_security.ratelimit.redis_counter import TIMEOUT_SECONDS, RedisCounter, client_of
from tests.ratelimit.redis_server import OwnServer

pytestmark = [pytest.mark.once, pytest.mark.redis, pytest.mark.servers]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def running():
    server = OwnServer()
    server.start()
    yield server
    server.close()


@pytest.fixture
def server(running, settings):
    """A server that runs and is empty, as the cache of a site with the feature on."""
    if not running._answers():
        running.start()
    running.client.flushall()
    settings.BT_SECURITY_FEATURES = ["ratelimit"]
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": running.url,
        }
    }
    place.own_memory.clear()
    return running


@pytest.fixture
def thing(settings, server, send):
    """Return the answers to so many hits on an operation of two rules."""
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"thing": "3/15m:ip, 9/1h:account"}

    def hits(count):
        return [ratelimit.hit("thing", send(), account="bob").allowed for _ in range(count)]

    return hits


@pytest.fixture
def break_is_over(monkeypatch):
    """Let the pause after a failure pass at once."""

    def end():
        monkeypatch.setattr(place._chosen["default"].counter, "_clock", lambda: 1e12)

    return end


@pytest.mark.feature("TC-17", "TK-41")
def test_processes_share_one_budget(server):
    """Of fifty parallel requests in five processes, exactly the ten that are allowed pass."""
    command = [sys.executable, "-m", "tests.ratelimit.hitting_process", server.url, "10"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    processes = [subprocess.Popen(command, **pipes) for _ in range(5)]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 5
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    passed = [int(process.communicate()[0]) for process in processes]
    assert sum(passed) == 10


def test_of_fifty_threads_exactly_ten_pass(settings, server, send):
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"thing": "10/15m:ip"}
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda _: ratelimit.hit("thing", send()).allowed, range(50)))
    assert answers.count(True) == 10


def test_a_burst_around_any_moment_is_no_larger_than_the_limit(server):
    counter, budget = RedisCounter(server.client), Window(uuid4().hex, 5, 60)
    for _ in range(5):
        counter.take("thing", [budget])
    key = f"bt:rl:{{thing}}:{budget.key}"
    newest = int(server.client.lrange(key, -1, -1)[0])
    server.client.lset(key, 0, newest - 60_000)  # the first hit is a minute old, the others new
    answers = [counter.take("thing", [budget])[0] for _ in range(5)]
    assert [not answer.wait_seconds for answer in answers] == [True] + [False] * 4


def test_a_check_is_one_command_for_all_windows(thing, server):
    thing(2)
    server.client.config_resetstat()
    thing(5)
    stats = server.client.info("commandstats")
    sent = {name: figures["calls"] for name, figures in stats.items()}
    assert sent["cmdstat_evalsha"] == 5
    inside = {"time", "lindex", "llen", "lpop", "rpush", "pexpire", "set"}
    assert {name.removeprefix("cmdstat_") for name in sent} - inside == {
        "evalsha",
        "config|resetstat",
    }


def test_no_key_lives_for_ever(thing, server):
    thing(20)
    keys = server.client.keys("*")
    assert len(keys) == 3  # two budgets, and the mark of the refusal
    assert all(0 < server.client.ttl(key) <= 3600 for key in keys)


def test_a_key_that_ends_between_two_hits_comes_back_with_an_end(thing, server):
    thing(1)
    server.client.flushall()
    thing(1)
    assert all(server.client.ttl(key) > 0 for key in server.client.keys("*"))


def test_keys_hold_neither_address_nor_name(thing, server):
    thing(5)
    kept = b"".join(server.client.keys("*"))
    assert b"127.0.0.1" not in kept
    assert b"192.0.2" not in kept
    assert b"bob" not in kept


@pytest.mark.feature("TC-27")
def test_a_stopped_server_is_no_error_and_limits_go_on(thing, server):
    """With Redis stopped in mid-traffic there is no error, and each process limits by itself."""
    assert thing(1) == [True]
    server.stop()
    assert thing(5) == [True, True, True, False, False]


def test_an_operation_may_stay_open_meanwhile(settings, thing, server):
    settings.BT_SECURITY_RATELIMIT_FAIL_OPEN = ["thing"]
    thing(3)
    server.stop()
    assert thing(9) == [True] * 9


def test_a_server_that_was_never_there_is_no_error(settings, thing, server):
    server.stop()
    assert thing(5) == [True, True, True, False, False]


def test_after_its_return_limits_count_again(thing, server, break_is_over):
    thing(1)
    server.stop()
    thing(9)
    server.start()
    break_is_over()
    assert thing(4) == [True, True, True, False]
    assert all(server.client.ttl(key) > 0 for key in server.client.keys("*"))


def test_a_server_that_is_away_is_not_asked_by_every_hit(thing, server, caplog):
    thing(1)
    server.stop()
    asked = []
    counter = place._chosen["default"].counter
    inner = counter._counter
    counter._counter = SimpleNamespace(
        take=lambda *arguments: asked.append(1) or inner.take(*arguments)
    )
    with caplog.at_level(logging.ERROR, logger="bt_security.ratelimit"):
        thing(30)
    assert len(asked) == 1
    assert len(caplog.records) == 1


def test_only_one_hit_asks_a_server_that_is_still_away(thing, server, break_is_over):
    thing(1)
    server.stop()
    thing(1)
    break_is_over()
    counter = place._chosen["default"].counter
    assert counter._may_try()
    assert not counter._may_try()


def test_a_connection_from_before_a_restart_is_made_anew(thing, server, caplog):
    thing(1)
    server.stop()
    server.start()
    assert thing(4) == [True, True, True, False]
    assert not caplog.records


def test_traffic_during_a_stop_has_no_error(thing, server):
    done = threading.Event()

    def traffic():
        answers = []
        while not done.is_set():
            answers += thing(1)
        return answers + thing(5)

    with ThreadPoolExecutor(4) as threads:
        running = [threads.submit(traffic) for _ in range(4)]
        server.stop()
        done.set()
        answers = [each.result() for each in running]
    assert all(each[-1] is False for each in answers)


def test_a_server_that_hangs_is_waited_for_once(thing, server):
    thing(1)
    server.client.close()
    with server.hanging():
        assert thing(5) == [True, True, True, False, False]


def test_a_server_that_only_reads_is_as_good_as_away(thing, server):
    server.client.config_set("maxmemory", 1)
    try:
        assert thing(5) == [True, True, True, False, False]
    finally:
        server.client.config_set("maxmemory", 0)


def test_a_key_of_another_kind_is_no_error(server):
    budget = Window(uuid4().hex, 5, 60)
    server.client.set(f"bt:rl:{{thing}}:{budget.key}", "something else")
    with pytest.raises(StoreUnavailable):
        RedisCounter(server.client).take("thing", [budget])


def test_our_connections_do_not_wait_without_end(server):
    options = client_of(caches["default"]).connection_pool.connection_kwargs
    assert options["socket_timeout"] == TIMEOUT_SECONDS
    assert options["socket_connect_timeout"] == TIMEOUT_SECONDS


def test_time_outs_of_the_site_stay(settings, server):
    settings.CACHES["default"]["OPTIONS"] = {"socket_timeout": 3.0, "health_check_interval": 9}
    settings.CACHES = dict(settings.CACHES)
    options = client_of(caches["default"]).connection_pool.connection_kwargs
    assert (options["socket_timeout"], options["health_check_interval"]) == (3.0, 9)


def test_a_pool_of_another_kind_is_used_as_it_is(server):
    pool = BlockingConnectionPool.from_url(server.url)
    cache = SimpleNamespace(
        client=SimpleNamespace(get_client=lambda write: Redis(connection_pool=pool))
    )
    assert client_of(cache).connection_pool is pool


def test_the_client_of_django_redis_is_found(server):
    own = SimpleNamespace(get_client=lambda write: Redis.from_url(server.url))
    client = client_of(SimpleNamespace(client=own))
    assert client.ping()
    assert type(client.connection_pool) is ConnectionPool


def test_a_site_that_names_another_cache_counts_there(settings, thing, server):
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
        "counters": settings.CACHES["default"],
    }
    settings.BT_SECURITY_RATELIMIT_CACHE = "counters"
    thing(1)
    assert len(server.client.keys("bt:rl:*")) == 2
