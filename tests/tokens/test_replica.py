"""A site that reads from a copy of its database, which knows nothing yet."""

from __future__ import annotations

import pytest
from django.http import Http404

from bt_security import tokens
from bt_security.tokens import api, feeds

pytestmark = pytest.mark.django_db(databases=["default", "other"])


@pytest.fixture
def copy(ann, settings):
    settings.DATABASE_ROUTERS = ["tests.sessions.test_replica.LateCopy"]


def test_a_revoked_api_token_is_refused_at_once(ann, copy):
    issued = api.issue(ann, "script")
    assert api.verify(issued.secret).user == ann
    api.revoke(issued.token)
    with pytest.raises(tokens.TokenRefused):
        api.verify(issued.secret)


def test_api_tokens_are_listed_found_and_ended(ann, copy):
    issued = api.rotate(api.issue(ann, "script").token)
    assert api.for_user(ann) == [issued.token]
    assert api.find(ann, issued.token.uuid) == issued.token
    assert api.revoke_all(ann) == 1


def test_a_feed_opens_and_is_gone_at_once(ann, copy):
    token = feeds.issue(ann, "calendar")
    assert feeds.resolve("calendar", token) == ann
    assert feeds.is_issued(ann, "calendar")
    feeds.revoke(ann, "calendar")
    with pytest.raises(Http404):
        feeds.resolve("calendar", token)
