"""What is reported of tokens is what was written, or neither is."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from bt_security import tokens
from bt_security.models import ApiToken, FeedToken, UsedToken
from bt_security.signals import security_event
from bt_security.tokens import api, feeds

pytestmark = pytest.mark.django_db


class Unheard(Exception):
    """Whoever keeps the reports cannot."""


@pytest.fixture
def deafen():
    """Let nobody take a report any more."""

    def refuse(sender, action, **_):
        raise Unheard(action)

    yield lambda: security_event.connect(refuse)
    security_event.disconnect(refuse)


def test_a_feed_that_cannot_be_reported_is_not_made(ann, deafen):
    deafen()
    with pytest.raises(Unheard):
        feeds.issue(ann, "calendar")
    assert not FeedToken.objects.exists()


def test_a_feed_whose_replacement_cannot_be_reported_goes_on(ann, deafen):
    before = feeds.issue(ann, "calendar")
    deafen()
    with pytest.raises(Unheard):
        feeds.issue(ann, "calendar")
    assert feeds.resolve("calendar", before) == ann


def test_a_feed_whose_end_cannot_be_reported_goes_on(ann, deafen):
    token = feeds.issue(ann, "calendar")
    deafen()
    with pytest.raises(Unheard):
        feeds.revoke(ann, "calendar")
    assert feeds.resolve("calendar", token) == ann


def test_a_token_whose_end_cannot_be_reported_is_not_revoked(deafen):
    claim = tokens.peek("invite", tokens.issue("invite", ""))
    deafen()
    with pytest.raises(Unheard):
        tokens.revoke("invite", claim.token_id, expires_at=claim.expires_at)
    assert not UsedToken.objects.exists()


def test_a_revoked_token_is_reported_once(events):
    token_id, end = uuid4(), timezone.now() + timedelta(hours=1)
    for _ in range(2):
        tokens.revoke("invite", token_id, expires_at=end)
    assert [action for action, *_ in events] == ["tokens.revoked"]


def test_an_api_token_whose_change_cannot_be_reported_stays_as_it_is(ann, deafen):
    issued = api.issue(ann, "script")
    deafen()
    for change in (api.rotate, api.revoke):
        with pytest.raises(Unheard):
            change(ApiToken.objects.get())
    assert api.verify(issued.secret) == issued.token


def test_a_rotation_is_reported_with_the_prefix_that_is_live(ann, events):
    issued = api.rotate(api.issue(ann, "script").token)
    action, _, target, details = events[-1]
    assert action == "api_token.rotated"
    assert target == f"api_token:{issued.token.uuid}"
    assert details["prefix"] == issued.token.prefix == issued.secret.rpartition("_")[0]
