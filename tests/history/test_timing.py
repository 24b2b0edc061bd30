"""How long a refusal takes does not tell whether there is such an account.

The judge has to tell what it is there for as well: a tenth more, and a missing hash.
"""

from __future__ import annotations

import os
from statistics import median
from time import perf_counter, thread_time

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import BCryptSHA256PasswordHasher, PBKDF2PasswordHasher
from django.test import Client

from tests.history.conftest import FIREFOX, make_user, post_json
from tests.history.judge import are_alike, differ, seconds, timed_in_turns

pytestmark = [
    *(pytest.mark.once, pytest.mark.heavy),
    # Keys are kept in memory once they are committed, as on a site.
    *(pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("history_on")),
]

IS_FULL = os.environ.get("BT_TEST_SCALE") == "full"
SAMPLES, WITHIN = (400, 0.05) if IS_FULL else (40, 0.2)
SAMPLES_OF_BCRYPT, WITHIN_OF_BCRYPT = 20, 0.2
"""So few samples say whether there is a hash, not whether a query takes longer."""

CLOCK = perf_counter if IS_FULL else thread_time
"""Few samples are timed by the processor's time: other processes of the machine do not count."""

SERIES = 3
"""How many series are timed at most: another process may get in the way of one."""

KNOWN = "mary@example.com"


class FastHasher(PBKDF2PasswordHasher):
    """About as slow as the rest of a log-in, so that its absence shows."""

    algorithm = "pbkdf2_fast"
    iterations = 8_000


class BCrypt(BCryptSHA256PasswordHasher):
    """The real thing, for a run of many tests as fast as it may be."""

    algorithm = "bcrypt_of_tests"
    rounds = 12 if IS_FULL else 7


class DelayingBackend(ModelBackend):
    """Takes a little longer where there is such an account."""

    delay_seconds = 0.0

    def authenticate(self, request, username=None, password=None, **kwargs):
        if username == KNOWN:
            end = CLOCK() + self.delay_seconds
            while CLOCK() < end:
                pass
        return super().authenticate(request, username, password, **kwargs)


class HashlessBackend(ModelBackend):
    """Hashes nothing where there is no such account."""

    def authenticate(self, request, username=None, password=None, **kwargs):
        if not get_user_model().objects.filter(email=username).exists():
            return None
        return super().authenticate(request, username, password, **kwargs)


def use(settings, *, hasher, backend=ModelBackend):
    settings.PASSWORD_HASHERS = [f"{hasher.__module__}.{hasher.__qualname__}"]
    settings.AUTHENTICATION_BACKENDS = [f"{backend.__module__}.{backend.__qualname__}"]
    make_user("mary")
    for name in (KNOWN, "warm@example.com"):
        refuse(name)


def refuse(name):
    client = Client(HTTP_USER_AGENT=FIREFOX)
    assert post_json(client, "/json-login/", name, "wrong").status_code == 401


def of_known():
    refuse(KNOWN)


def of_unknown():
    refuse("nora@example.com")


def series(count, clock=CLOCK):
    """Pairs of times, of a known and an unknown name."""
    return timed_in_turns(of_known, of_unknown, count=count, clock=clock)


@pytest.mark.feature("TK-67")
def test_known_and_unknown_names_take_the_same_time(settings):
    """A refused log-in takes as long for an unknown name as for an account."""
    use(settings, hasher=FastHasher)
    assert any(are_alike(series(SAMPLES), within=WITHIN) for _ in range(SERIES))


def test_they_do_with_bcrypt(settings):
    use(settings, hasher=BCrypt)
    found = (series(SAMPLES_OF_BCRYPT, thread_time) for _ in range(SERIES))
    assert any(are_alike(pairs, within=WITHIN_OF_BCRYPT) for pairs in found)


def test_a_little_delay_is_noticed(settings, monkeypatch):
    use(settings, hasher=FastHasher, backend=DelayingBackend)
    usual = median(seconds(of_unknown, CLOCK) for _ in range(SAMPLES // 4))
    monkeypatch.setattr(DelayingBackend, "delay_seconds", 2 * WITHIN * usual)
    pairs = series(SAMPLES)
    assert not are_alike(pairs, within=WITHIN)
    assert differ(pairs)


@pytest.mark.parametrize("hasher", [FastHasher, BCrypt])
def test_a_missing_hash_is_noticed(settings, hasher):
    use(settings, hasher=hasher, backend=HashlessBackend)
    pairs = series(SAMPLES if hasher is FastHasher else SAMPLES_OF_BCRYPT)
    assert not are_alike(pairs, within=WITHIN)
    assert differ(pairs)
