"""What the tests of reading the own history share: a site, and events made by hand."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.utils import timezone

from bt_security.crypto import PREFIX_LENGTH
from bt_security.models import Device, LoginEvent, LoginOutcome
from tests.history.conftest import make_user

FEATURES = ["sessions", "ratelimit", "csrf", "history"]
API = "/api/profile/login-history"
EXPORT = f"{API}/export"
PAGE = "/account/login-history/"
SUMMARY = f"{PAGE}summary/"
NOW = datetime(2026, 3, 31, 14, 25, tzinfo=UTC)
IP = "203.0.113.77"
AGENT = "Canary/7.0 (somebody's own browser)"
CITY = "Canaryville"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def site(sealed_sessions):
    """The site, with sessions that can be listed and ended."""
    sealed_sessions.ROOT_URLCONF = "tests.history.reading_site"
    sealed_sessions.BT_SECURITY_FEATURES = FEATURES
    sealed_sessions.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": uuid.uuid4().hex,
        }
    }
    sealed_sessions.LOGIN_URL = "/log-in/"
    return sealed_sessions


@pytest.fixture
def mary(site, user):
    return user


def stored(user, at=NOW, **fields):
    """Store a log-in of a user, or of nobody."""
    values = {"outcome": LoginOutcome.SUCCESS, "method": "password", "happened_at": at}
    return LoginEvent.objects.create(user=user, **{**values, **fields})


def several(user, count, start=NOW, **fields):
    """Store log-ins a minute apart, and return them, the newest first."""
    return [stored(user, start - number * MINUTE, **fields) for number in range(count)]


def full(user, at=NOW, **fields):
    """Store a log-in with a value in every column."""
    values = {
        "device": device_of(user),
        "device_label": "Firefox on Linux",
        "is_new_device": True,
        "session_uuid": uuid.uuid4(),
        "ip_address": IP,
        "user_agent": AGENT,
        "location_city": CITY,
        "location_region": "Region",
        "location_country": "Country",
        "location_isp": "Provider",
        "location_point": "1.000,2.000",
        "travel_km": 9000,
        "travel_kmh": 4000,
        "disowned_at": NOW,
    }
    return stored(user, at, **{**values, **fields})


def device_of(user, label="Firefox on Linux"):
    now = timezone.now()
    return Device.objects.create(
        user=user, digest=uuid.uuid4().hex, label=label, created_at=now, last_seen_at=now
    )


def spoil(event, *columns):
    """Change sealed columns behind the package's back, so that they do not open."""
    with connection.cursor() as cursor:
        for column in columns:
            cursor.execute(
                f"SELECT {column} FROM bt_security_login_event WHERE id = %s", [event.pk]
            )
            (text,) = cursor.fetchone()
            at = len(text) - 10
            changed = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
            assert changed[:PREFIX_LENGTH] == text[:PREFIX_LENGTH]
            cursor.execute(
                f"UPDATE bt_security_login_event SET {column} = %s WHERE id = %s",
                [changed, event.pk],
            )


def browser(user, **options):
    """A client that is logged in without an event of it."""
    client = Client(**options)
    client.force_login(user)
    LoginEvent.objects.filter(user=user, method="forced").delete()
    return client


def session_of(client):
    """The public id of a client's own session."""
    (own,) = [one for one in client.get("/api/sessions").json() if one["is_current"]]
    return uuid.UUID(own["id"])


def acting(user, site):
    """A client by which somebody of the staff acts as a user."""
    site.BT_SECURITY_IMPERSONATION_ENABLED = True
    operator = make_user("operator", is_staff=True)
    operator.user_permissions.add(Permission.objects.get(codename="impersonate_user"))
    client = browser(operator)
    body = {"user": str(user.pk), "reason": "ticket 7"}
    answer = client.post("/api/impersonation", body, content_type="application/json")
    assert answer.status_code == 200
    return client


def uids(events):
    return [str(event.uid) for event in events]


def shown(client, path=PAGE, **asked):
    answer = client.get(path, asked)
    assert answer.status_code == 200
    return answer.content.decode()
