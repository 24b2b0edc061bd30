"""Sites with our engines, browsers that are logged in, and what has been reported."""

from __future__ import annotations

import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.core.cache import caches
from django.db.models.signals import m2m_changed, pre_delete
from django.test import AsyncClient, Client
from django.utils import timezone

from bt_security.sessions import receivers
from bt_security.signals import backup_restored, credentials_changed, security_event

DATABASE = "bt_security.sessions.db"
CACHE = "bt_security.sessions.cache"
PASSWORD = "Correct-horse-7"
SIGNALS = [user_logged_in, credentials_changed, backup_restored, m2m_changed, pre_delete]


@pytest.fixture(params=[DATABASE, CACHE], ids=["db", "cache"])
def engine(request, settings):
    """One of the engines, with the feature on."""
    settings.SESSION_ENGINE = request.param
    settings.BT_SECURITY_FEATURES = ["sessions"]
    settings.ROOT_URLCONF = "tests.sessions.urls"
    before = {signal: list(signal.receivers) for signal in SIGNALS}
    receivers.connect()
    yield request.param
    for signal, known in before.items():
        signal.receivers[:] = known
        signal.sender_receivers_cache.clear()


@pytest.fixture
def user(db):
    return make_user("mary")


def make_user(name, **fields):
    return get_user_model().objects.create_user(f"{name}@example.com", PASSWORD, **fields)


def browser(user=None):
    """A client, logged in by the log-in view's own function."""
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def is_in(client, path="/who/"):
    return client.get(path).json()["user"] is not None


def key_of(client):
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def with_key(key):
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    return client


async def async_browser(user):
    client = AsyncClient()
    await client.aforce_login(user)
    return client


@pytest.fixture
def events():
    """What is reported while a test runs."""
    found = []

    def note(sender, action, outcome, target, details, **_):
        found.append(SimpleNamespace(action=action, outcome=outcome, target=target, **details))

    security_event.connect(note)
    yield found
    security_event.disconnect(note)


@pytest.fixture(autouse=True)
def _empty_cache():
    caches["default"].clear()


class Clock:
    """The time that sessions see; seconds are added by hand."""

    def __init__(self, monkeypatch):
        self._delta = 0.0
        now, seconds = timezone.now, time.time
        monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(seconds=self._delta))
        monkeypatch.setattr(time, "time", lambda: seconds() + self._delta)

    def advance(self, seconds):
        self._delta += seconds


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)
