"""Requests of browsers that keep their cookies, and a clock that stands still."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.signals import user_logged_in
from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bt_security import devices
from bt_security.devices import receivers
from bt_security.signals import security_event
from tests.testapp.models import Account

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"


class Browser:
    """Sends its cookies and keeps what it is sent."""

    def __init__(self, **meta):
        self.cookies = {}
        self._meta = {"HTTP_USER_AGENT": FIREFOX, **meta}

    def request(self, user=None):
        request = RequestFactory().get("/", **self._meta)
        request.COOKIES = dict(self.cookies)
        request.user = user
        return request

    def log_in(self, user):
        response = HttpResponse()
        device = devices.remember(self.request(), response, user)
        for name, cookie in response.cookies.items():
            self.cookies[name] = cookie.value
        return device

    def known_to(self, user):
        return devices.identify(self.request(user))


class Clock:
    def __init__(self):
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self):
        return self.now

    def advance(self, **time):
        self.now += timedelta(**time)


@pytest.fixture
def clock(monkeypatch):
    frozen = Clock()
    monkeypatch.setattr(timezone, "now", frozen)
    return frozen


@pytest.fixture
def browser():
    return Browser()


@pytest.fixture
def other_browser():
    return Browser(HTTP_USER_AGENT="curl/8")


@pytest.fixture
def bob(db):
    return Account.objects.create_user("bob@example.com", "the right password", is_staff=True)


@pytest.fixture
def eve(db):
    return Account.objects.create_user("eve@example.com", "the right password", is_staff=True)


@pytest.fixture
def remembering(settings):
    """The receiver connected, as a site with the feature has it."""
    settings.BT_SECURITY_FEATURES = ["ratelimit"]
    receivers.connect()
    yield settings
    user_logged_in.disconnect(dispatch_uid="bt_security.devices.remember_login")


@pytest.fixture
def asked():
    """Count the queries of a block that concern devices; keys are read by rules of their own."""

    @contextmanager
    def count(expected):
        with CaptureQueriesContext(connection) as captured:
            yield
        queries = [each["sql"] for each in captured if "bt_security_device" in each["sql"]]
        assert len(queries) == expected, queries

    return count


@pytest.fixture
def events():
    seen = []

    def receive(action, target, details, **_):
        if action.startswith("device."):
            seen.append((action, target, details))

    security_event.connect(receive)
    yield seen
    security_event.disconnect(receive)
