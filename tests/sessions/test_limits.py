"""When sessions end by themselves, and what their use writes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bt_security import sessions
from bt_security.exceptions import StoreUnavailable
from bt_security.models import Session
from bt_security.sessions import secrets
from bt_security.sessions.cache import SessionStore as CacheSession
from tests.sessions.conftest import browser, is_in, key_of, make_user, with_key

HOUR = 3_600
DAY = 24 * HOUR
WEEK = 7 * DAY


@pytest.fixture
def week(settings):
    settings.SESSION_COOKIE_AGE = WEEK
    settings.BT_SECURITY_SESSIONS_IDLE_SECONDS = 0
    return settings


def queries(client, path="/who/"):
    with CaptureQueriesContext(connection) as captured:
        client.get(path)
    return [query["sql"] for query in captured]


@pytest.mark.feature("BT-31")
@pytest.mark.parametrize("is_used", [True, False])
def test_a_session_dies_after_seven_days_with_and_without_use(engine, user, week, clock, is_used):
    """A session ends seven days after the log-in, whether it is used meanwhile or not."""
    client = browser(user)
    for _ in range(6):
        clock.advance(DAY)
        if is_used:
            client.get("/write/")
            assert is_in(client)
    clock.advance(DAY - 10)
    assert is_in(client)
    clock.advance(11)
    assert not is_in(client)


def test_the_cookie_lives_as_long_as_the_session(engine, user, week, clock):
    client = browser(user)
    clock.advance(DAY)
    client.get("/write/")
    assert client.cookies["sessionid"]["max-age"] == WEEK - DAY


def test_a_shorter_lifetime_holds_for_sessions_of_before(engine, user, week, clock):
    client = browser(user)
    week.SESSION_COOKIE_AGE = DAY
    clock.advance(DAY + 1)
    assert not is_in(client)


def test_a_longer_lifetime_does_not(engine, user, week, clock):
    client = browser(user)
    week.SESSION_COOKIE_AGE = 2 * WEEK
    clock.advance(WEEK + 1)
    assert not is_in(client)


def test_a_session_that_nobody_uses_ends_after_twelve_hours(engine, user, clock):
    client = browser(user)
    for _ in range(3):
        clock.advance(12 * HOUR - 61)
        assert is_in(client)
    clock.advance(12 * HOUR + 1)
    assert not is_in(client)
    assert sessions.for_user(user) == []


def test_a_short_idle_limit_does_not_end_what_is_in_use(engine, user, settings, clock):
    settings.BT_SECURITY_SESSIONS_IDLE_SECONDS = 40
    client = browser(user)
    for _ in range(10):
        clock.advance(11)
        assert is_in(client)
    clock.advance(41)
    assert not is_in(client)


def test_last_seen_costs_nothing_within_its_minute_and_one_write_after_it(engine, user, clock):
    client = browser(user)
    assert len(queries(client)) == 2
    clock.advance(61)
    assert [sql.split()[0] for sql in queries(client)] == ["SELECT", "UPDATE", "SELECT"]
    assert len(queries(client)) == 2


def test_last_seen_is_listed(engine, user, clock):
    client = browser(user)
    clock.advance(120)
    client.get("/who/")
    (info,) = sessions.for_user(user)
    assert info.last_seen_at - info.created_at >= timedelta(seconds=120)


def test_nobodys_session_is_loaded_by_one_query_or_none(engine, db):
    client = browser()
    client.get("/write/")
    assert len(queries(client, "/bare/")) == (1 if engine.endswith("db") else 0)


@pytest.mark.parametrize("wanted", [10**8, timedelta(days=400)])
def test_an_expiry_beyond_the_limit_is_cut(engine, db, week, wanted):
    session = browser().session
    session.set_expiry(wanted)
    session["a"] = 1
    session.save()
    assert session.get_expiry_age() <= WEEK
    assert session.get_expiry_date() <= timezone.now() + timedelta(seconds=WEEK)


def test_a_nearer_expiry_holds(engine, user, week, clock):
    client = browser(user)
    session = client.session
    session.set_expiry(HOUR)
    session.save()
    clock.advance(HOUR + 1)
    assert not is_in(client)


@pytest.mark.feature("BT-34")
def test_clearsessions_deletes_what_has_ended(engine, user, week, clock):
    """`manage.py clearsessions` deletes the rows of sessions that have ended, and no others."""
    browser(user)
    ended = make_user("peter")
    browser(ended)
    sessions.revoke_all(ended)
    call_command("clearsessions")
    assert [row.user_id for row in Session.objects.all()] == [user.pk]
    clock.advance(WEEK)
    call_command("clearsessions")
    assert not Session.objects.exists()


def test_clearsessions_deletes_what_is_idle(engine, user, clock):
    browser(user)
    clock.advance(12 * HOUR)
    call_command("clearsessions")
    assert not Session.objects.exists()


def test_an_older_secret_key_goes_on_to_open_sessions(engine, user, settings):
    client = browser(user)
    client.get("/write/")
    before = settings.SECRET_KEY
    settings.SECRET_KEY = "the next secret key of the site, long enough for everything"
    settings.SECRET_KEY_FALLBACKS = [before]
    assert client.get("/write/").content == b"2"
    assert is_in(client)
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get("/write/").content == b"3"
    assert is_in(client)


@pytest.mark.feature("BD-08")
def test_another_secret_key_ends_all_sessions(engine, user, settings):
    """A new `SECRET_KEY` without the old one among its fallbacks ends every session at once."""
    client = browser(user)
    settings.SECRET_KEY = "the next secret key of the site, long enough for everything"
    assert not is_in(client)


def test_a_key_that_is_none_is_nobodys(engine, user):
    client = browser(user)
    assert not client.session.exists(None)
    assert not client.session.exists("")
    assert not is_in(with_key("x" * 400))
    assert not is_in(with_key("ü" * 20))
    assert is_in(with_key(key_of(client)))


def test_a_session_that_moves_to_its_new_key_meanwhile_is_found(engine, user, settings):
    client = browser(user)
    key, before = key_of(client), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another " * 8, [before]
    first, second = secrets.digests(key)
    assert secrets.in_order([first, second]) == [first, second, first]
    assert is_in(client, "/bare/")
    assert is_in(with_key(key), "/bare/")


def test_a_cache_that_takes_nothing_is_away(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    session = CacheSession()
    session["color"] = "blue"
    session._insert = lambda digest, sealed: False
    with pytest.raises(StoreUnavailable):
        session.save()
    assert session.session_key is None
