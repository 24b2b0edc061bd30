"""The feature switched on, a clock that stands still, and requests from chosen addresses."""

from __future__ import annotations

import itertools
import time
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from bt_security.ratelimit import place
from bt_security.signals import security_event

NOON = 1_900_000_000.0


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now

    def advance(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    """The clock that Django's local cache and django-ratelimit look at."""
    frozen = Clock()
    monkeypatch.setattr(time, "time", frozen)
    return frozen


@pytest.fixture
def limits_on(settings):
    """The feature on a local cache of this test's own."""
    settings.BT_SECURITY_FEATURES = ["ratelimit"]
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": uuid4().hex,
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        }
    }
    place.own_memory.clear()
    return settings


@pytest.fixture
def send():
    """Return a POST request from an address, of nobody or of a user."""

    def request(address="192.0.2.1", *, user=None, **meta):
        made = RequestFactory().post("/", REMOTE_ADDR=address, **meta)
        made.user = user or AnonymousUser()
        return made

    return request


@pytest.fixture
def addresses():
    """An endless row of clients that have nothing in common."""
    return (f"198.51.{high}.{low}" for high, low in itertools.product(range(256), range(256)))


@pytest.fixture
def events():
    """What was reported, as (action, outcome, target, details)."""
    seen = []

    def receive(action, outcome, target, details, **_):
        seen.append((action, outcome, target, details))

    security_event.connect(receive)
    yield seen
    security_event.disconnect(receive)
