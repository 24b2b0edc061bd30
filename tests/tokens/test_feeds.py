"""Feeds whose URL is the credential."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.http import Http404
from django.test import AsyncClient
from django.utils import timezone

from bt_security import keys
from bt_security.models import FeedToken
from bt_security.tokens import feeds
from tests.testapp.models import Account

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.tokens.site")]

once = pytest.mark.once
PATHS = ["/calendar/{}.ics", "/later/calendar/{}.ics"]


@once
@pytest.mark.feature("BT-76")
@pytest.mark.parametrize("path", PATHS)
def test_a_regenerated_feed_url_replaces_the_old_one(client, ann, path):
    """A feed URL is a credential that can be regenerated: the old URL is 404 from then on."""
    old = path.format(feeds.issue(ann, "calendar"))
    assert client.get(old).content.decode() == f"calendar of {ann.pk}"
    new = path.format(feeds.issue(ann, "calendar"))
    assert client.get(old).status_code == 404
    assert client.get(new).status_code == 200


def wrong_tokens(ann):
    own = feeds.issue(ann, "calendar")
    other = feeds.issue(ann, "payments")
    stored = FeedToken.objects.get(user=ann, feed="calendar").digest
    return ["x", own[:-1], own + "0", own.swapcase(), other, stored, "btf_" + "a" * 49]


@once
@pytest.mark.parametrize("path", PATHS)
def test_whatever_is_wrong_is_404(client, ann, path):
    for token in wrong_tokens(ann):
        assert client.get(path.format(token)).status_code == 404


@once
@pytest.mark.parametrize("path", PATHS)
def test_a_revoked_feed_is_404(client, ann, path, events):
    token = feeds.issue(ann, "calendar")
    for _ in range(2):
        feeds.revoke(ann, "calendar")
    assert client.get(path.format(token)).status_code == 404
    assert [event[0] for event in events] == ["feed_token.issued", "feed_token.revoked"]
    assert events[0][2:] == (f"user:{ann.pk}", {"feed": "calendar"})


@once
@pytest.mark.parametrize("change", [{"is_active": False}, None])
def test_the_feed_of_an_inactive_or_deleted_user_is_404(ann, change):
    token = feeds.issue(ann, "calendar")
    users = Account.objects.filter(pk=ann.pk)
    users.update(**change) if change else users.delete()
    with pytest.raises(Http404):
        feeds.resolve("calendar", token)


@once
def test_the_feed_of_a_user_whom_the_site_hides_is_404(ann, hide):
    token = feeds.issue(ann, "calendar")
    hide(ann)
    with pytest.raises(Http404):
        feeds.resolve("calendar", token)


@once
@pytest.mark.parametrize("path", PATHS)
def test_the_address_of_a_feed_is_hidden(client, ann, path):
    answer = client.get(path.format(feeds.issue(ann, "calendar")))
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["X-Robots-Tag"] == "noindex"
    assert answer["Content-Type"] == "text/calendar"


@once
@pytest.mark.parametrize("path", PATHS)
def test_a_feed_is_read_only(client, ann, path):
    url = path.format(feeds.issue(ann, "calendar"))
    assert client.post(url).status_code == 405
    assert client.head(url).status_code == 200


@once
@pytest.mark.parametrize("path", PATHS)
def test_a_site_that_demands_a_log_in_serves_feeds(settings, client, ann, path):
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
    assert client.get(path.format(feeds.issue(ann, "calendar"))).status_code == 200


async def _status(url):
    return (await AsyncClient().get(url)).status_code


@once
@pytest.mark.django_db(transaction=True)
def test_an_async_feed_is_served_asynchronously(ann):
    assert async_to_sync(_status)(PATHS[1].format(feeds.issue(ann, "calendar"))) == 200


@once
def test_users_and_feeds_do_not_share_tokens(ann, eve):
    mine, hers = feeds.issue(ann, "calendar"), feeds.issue(eve, "calendar")
    feeds.issue(ann, "payments")
    assert feeds.resolve("calendar", mine) == ann
    assert feeds.resolve("calendar", hers) == eve
    assert feeds.is_issued(ann, "payments")
    assert not feeds.is_issued(eve, "payments")


@once
def test_a_row_that_is_moved_to_another_feed_opens_nothing(ann):
    token = feeds.issue(ann, "calendar")
    FeedToken.objects.update(feed="payments")
    for feed in ("calendar", "payments"):
        with pytest.raises(Http404):
            feeds.resolve(feed, token)


@once
@pytest.mark.parametrize("name", ["", "Calendar", "a/b", "a" * 41])
def test_a_malformed_name_is_refused(ann, name):
    with pytest.raises(ValueError, match="not the name of a feed"):
        feeds.issue(ann, name)


@once
def test_a_feed_from_before_a_new_purpose_key_goes_on(ann):
    token = feeds.issue(ann, "calendar")
    keys.new_generation(feeds.PURPOSE)
    assert feeds.resolve("calendar", token) == ann


@pytest.mark.django_db(transaction=True)
def test_of_two_urls_made_at_once_one_is_live(ann):
    keys.purpose_keys(feeds.PURPOSE)
    start = Barrier(2)

    def make(_):
        start.wait()
        try:
            return feeds.issue(ann, "calendar")
        finally:
            connection.close()

    def is_live(token):
        try:
            return feeds.resolve("calendar", token) == ann
        except Http404:
            return False

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(make, range(2)))
    assert [is_live(token) for token in made].count(True) == 1


@once
def test_a_url_that_is_made_in_between_is_replaced(ann):
    others = []

    def meanwhile(execute, sql, *arguments):
        result = execute(sql, *arguments)
        if sql.startswith("UPDATE") and "bt_security_feed_token" in sql and not others:
            others.append(ann)
            values = {"digest": "another", "created_at": timezone.now()}
            FeedToken.objects.create(user=ann, feed="calendar", **values)
        return result

    with connection.execute_wrapper(meanwhile):
        token = feeds.issue(ann, "calendar")
    assert others
    assert feeds.resolve("calendar", token) == ann


@once
def test_a_token_is_shown_without_its_secret(ann):
    feeds.issue(ann, "calendar")
    assert str(FeedToken.objects.get()) == f"token of feed calendar of user {ann.pk}"
