"""Rows of the package's logs of any age."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from django.utils import timezone

from bt_security.models import (
    ApiToken,
    CspReport,
    Device,
    LoginEvent,
    LoginOutcome,
    Session,
    UsedToken,
)
from tests.testapp.models import Account

PLAIN = {
    "ip_address": "203.0.113.77",
    "user_agent": "Mozilla/5.0 (canary)",
    "location_city": "Canaryville",
    "location_region": "Canaryshire",
    "location_country": "Canaryland",
    "location_isp": "Canarynet",
}
"""What the sealed columns of an event hold."""


def account(name="mary", **fields):
    return Account.objects.create_user(f"{name}@example.com", "Correct-horse-7", **fields)


def ago(**timed):
    return timezone.now() - timedelta(**timed)


def event(user=None, *, days=0.0, outcome=LoginOutcome.SUCCESS, **columns):
    return LoginEvent.objects.create(
        user=user, outcome=outcome, happened_at=ago(days=days), **columns
    )


def events(user, count, *, days):
    """Store plain events, one a second, the newest so many days old."""
    newest = ago(days=days)
    LoginEvent.objects.bulk_create(
        (
            LoginEvent(
                user=user,
                outcome=LoginOutcome.SUCCESS,
                happened_at=newest - timedelta(seconds=count - number),
            )
            for number in range(count)
        ),
        batch_size=1_000,
    )


def session(*, days=0.0, **columns):
    """Store a session that ended so many days ago."""
    return Session.objects.create(
        digest=uuid4().hex,
        created_at=ago(days=days + 1),
        last_seen_at=ago(days=days),
        expires_at=ago(days=days),
        **columns,
    )


def device(user, *, days=0.0):
    seen = ago(days=days)
    return Device.objects.create(
        user=user, digest=uuid4().hex, created_at=seen, last_seen_at=seen, label="Firefox on Linux"
    )


def used_token(*, days):
    return UsedToken.objects.create(
        token_id=uuid4(),
        use_number=1,
        purpose="test",
        used_at=ago(days=days),
        expires_at=ago(days=days),
    )


def api_token(user, *, days):
    return ApiToken.objects.create(
        user=user,
        name="t",
        digest=uuid4().hex,
        created_at=ago(days=days),
        expires_at=ago(days=days),
    )


def csp_report(*, days):
    return CspReport.objects.create(
        day=ago(days=days).date(),
        directive="img-src",
        blocked="inline",
        page="/",
        disposition="report",
    )
