"""When a provider that fails is asked again, and what the log says of it."""

from __future__ import annotations

import logging
import threading

import pytest

from bt_security.geo.breaker import WARN_EVERY_SECONDS, Breaker

pytestmark = pytest.mark.once

PAUSE = 60


@pytest.fixture
def breaker(clock):
    return Breaker(clock=clock)


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO, logger="bt_security.geo")
    return caplog


def fail(breaker, times=1, **options):
    for _ in range(times):
        breaker.failed("status 500", pause_seconds=PAUSE, **options)


def may_ask(breaker):
    return breaker.may_ask(pause_seconds=PAUSE)


def levels(log):
    return [record.levelname for record in log.records]


def test_two_failures_do_not_stop_the_asking(breaker):
    fail(breaker, 2)
    assert may_ask(breaker)


def test_three_failures_in_a_row_stop_it_for_the_pause(breaker, clock):
    fail(breaker, 3)
    assert not may_ask(breaker)
    clock.now += PAUSE - 1
    assert not may_ask(breaker)
    clock.now += 1
    assert may_ask(breaker)


def test_an_answer_between_failures_begins_the_count_anew(breaker):
    fail(breaker, 2)
    breaker.succeeded()
    fail(breaker, 2)
    assert may_ask(breaker)


def test_after_a_pause_one_thread_asks(breaker, clock):
    fail(breaker, 3)
    clock.now += PAUSE
    barrier, answers = threading.Barrier(8), []

    def ask():
        barrier.wait()
        answers.append(may_ask(breaker))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False] * 7 + [True]


def test_a_failed_try_begins_the_next_pause(breaker, clock):
    fail(breaker, 3)
    clock.now += PAUSE
    assert may_ask(breaker)
    fail(breaker)
    clock.now += PAUSE - 1
    assert not may_ask(breaker)


def test_a_good_try_lets_all_ask_again(breaker, clock):
    fail(breaker, 3)
    clock.now += PAUSE
    assert may_ask(breaker)
    breaker.succeeded()
    assert may_ask(breaker)
    assert may_ask(breaker)


def test_a_provider_says_how_long_it_wants_to_be_left_alone(breaker, clock):
    fail(breaker, retry_after_seconds=20)
    assert not may_ask(breaker)
    clock.now += 20
    assert may_ask(breaker)


def test_an_outage_is_one_warning_and_its_end_one_line(breaker, clock, log):
    for _ in range(50):
        fail(breaker)
        clock.now += PAUSE
    breaker.succeeded()
    breaker.succeeded()
    assert levels(log) == ["WARNING", "INFO"]
    assert "status 500" in log.records[0].getMessage()


def test_a_provider_that_fails_every_second_time_is_no_storm(breaker, clock, log):
    for _ in range(50):
        fail(breaker)
        breaker.succeeded()
        clock.now += 1
    assert levels(log) == ["WARNING", "INFO"]


def test_a_later_outage_is_a_warning_again(breaker, clock, log):
    fail(breaker)
    breaker.succeeded()
    clock.now += WARN_EVERY_SECONDS
    fail(breaker)
    assert levels(log) == ["WARNING", "INFO", "WARNING"]
