"""A site whose log-ins are recorded, and the events it has."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.core.signals import request_finished
from django.db.models.signals import m2m_changed, post_save, pre_delete, pre_save
from django.test import Client

from bt_security.devices import receivers as device_receivers
from bt_security.history import receivers, waiting
from bt_security.history.names import PURPOSE
from bt_security.keys import purpose_keys
from bt_security.models import LoginEvent
from bt_security.sessions import receivers as session_receivers
from bt_security.signals import backup_restored, credentials_changed
from tests.history.site import MIDDLEWARE

PASSWORD = "Correct-horse-7"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"
SIGNALS = [
    *(user_logged_in, user_login_failed, request_finished),
    *(credentials_changed, backup_restored),
    *(m2m_changed, pre_delete, pre_save, post_save),
]


@pytest.fixture
def history_on(settings, db):
    """The feature with its receivers, all of which are gone before the tables are flushed.

    The site is `tests.history.site`, with Django's engine of sessions. Keys are made beforehand,
    so that no test counts their queries.
    """
    settings.BT_SECURITY_FEATURES = ["history"]
    settings.ROOT_URLCONF = "tests.history.site"
    settings.MIDDLEWARE = MIDDLEWARE
    before = {signal: list(signal.receivers) for signal in SIGNALS}
    device_receivers.connect()
    receivers.connect()
    for purpose in (PURPOSE, "device"):
        purpose_keys(purpose)
    yield settings
    for signal, connected in before.items():
        signal.receivers[:] = connected
        signal.sender_receivers_cache.clear()
    waiting._left.clear()


@pytest.fixture
def sealed_sessions(history_on):
    """The same site with our sessions, whose receivers come first."""
    history_on.BT_SECURITY_FEATURES = ["sessions", "history"]
    history_on.SESSION_ENGINE = "bt_security.sessions.db"
    connect_first(session_receivers)
    return history_on


def connect_first(module):
    """Connect what the app connects before the history."""
    connected = list(user_logged_in.receivers)
    user_logged_in.receivers.clear()
    user_logged_in.sender_receivers_cache.clear()
    module.connect()
    user_logged_in.receivers.extend(connected)


@pytest.fixture
def user(db):
    return make_user("mary")


@pytest.fixture
def staff(db):
    return make_user("anne", is_staff=True)


def make_user(name, **fields):
    return get_user_model().objects.create_user(f"{name}@example.com", PASSWORD, **fields)


def browser(**headers):
    """A client that says it is Firefox."""
    return Client(**{"HTTP_USER_AGENT": FIREFOX, "REMOTE_ADDR": "192.0.2.7", **headers})


def log_in(client, user, password=PASSWORD, path="/login/", **options):
    """Fill in a log-in form; `user` may be a name that nobody has."""
    name = getattr(user, "email", user)
    return client.post(path, {"username": name, "password": password}, **options)


def post_json(client, path, user, password=PASSWORD, **options):
    """Log in by a JSON view; `user` may be a name that nobody has."""
    body = {"username": getattr(user, "email", user), "password": password}
    return client.post(path, body, content_type="application/json", **options)


def events(**of):
    """The events, the oldest first."""
    return list(LoginEvent.objects.filter(**of).order_by("pk"))


def only_event(**of):
    (found,) = events(**of)
    return found
