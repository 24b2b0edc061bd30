"""Accounts, a clock that stands still, and what was reported."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.test import RequestFactory
from django.utils import timezone

from bt_security import tokens
from bt_security.conf import _purposes
from bt_security.signals import security_event
from tests.testapp.models import Account, AccountManager

KINDS = ("tokens.", "api_token.", "feed_token.")


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
def ann(db):
    return Account.objects.create_user("Ann@Example.com", "the right password")


@pytest.fixture
def eve(db):
    return Account.objects.create_user("eve@example.com", "the right password")


@pytest.fixture
def hide(monkeypatch):
    """Let the default manager hide a user, as that of a site does which keeps deleted ones."""

    def leave_out(user):
        get_queryset = AccountManager.get_queryset
        monkeypatch.setattr(
            AccountManager,
            "get_queryset",
            lambda manager: get_queryset(manager).exclude(pk=user.pk),
        )

    return leave_out


@pytest.fixture
def events():
    """What was reported, as (action, outcome, target, details)."""
    seen = []

    def receive(action, outcome, target, details, **_):
        if action.startswith(KINDS):
            seen.append((action, outcome, target, details))

    security_event.connect(receive)
    yield seen
    security_event.disconnect(receive)


@pytest.fixture
def purposes(monkeypatch):
    """Let a test register purposes that nobody else sees."""
    monkeypatch.setattr(_purposes, "_purposes", dict(_purposes._purposes))


@pytest.fixture
def counting_cache(settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": uuid4().hex,
        }
    }


@pytest.fixture
def browser():
    """A request of a browser that has the cookie for links, and the value in it."""
    request = RequestFactory().get("/")
    value = tokens.this_browser(request)
    request.COOKIES["bt_link"] = value
    return request


def refusal_of(purpose, token, **options):
    """Return the reason for which a token is refused."""
    with pytest.raises(tokens.TokenRefused) as caught:
        tokens.peek(purpose, token, **options)
    assert str(caught.value) == "the token is not accepted"
    return caught.value.reason
