"""While the store of the sessions does not answer."""

from __future__ import annotations

import uuid

import pytest
from django.conf import settings as site_settings
from django.contrib.auth import login
from django.core.cache import caches
from django.db import OperationalError, connection, transaction

from bt_security.exceptions import StoreUnavailable
from bt_security.models import Session
from bt_security.sessions.places import RedisPlace, place_of
from tests.ratelimit.redis_server import OwnServer
from tests.sessions.conftest import CACHE, browser, key_of, make_user, with_key

EDGE = "bt_security.middleware.EdgeMiddleware"


@pytest.fixture
def site(settings):
    """A site with the middleware that answers 503."""
    settings.BT_SECURITY_FEATURES = ["sessions"]
    settings.ROOT_URLCONF = "tests.sessions.urls"
    settings.MIDDLEWARE = [EDGE, *settings.MIDDLEWARE]
    return settings


@pytest.fixture(scope="module")
def running():
    server = OwnServer()
    yield server
    server.close()


@pytest.fixture
def server(running, site):
    """A Redis server of the test's own, which keeps the sessions."""
    if not running._answers():
        running.start()
    site.SESSION_ENGINE = CACHE
    site.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": running.url,
            "KEY_PREFIX": uuid.uuid4().hex,
        }
    }
    return running


@pytest.fixture
def dead_database(engine, site):
    """The database answers nothing about sessions."""

    def refuse(execute, sql, params, many, context):
        if "bt_security_session" in sql:
            raise OperationalError("the server closed the connection unexpectedly")
        return execute(sql, params, many, context)

    return connection.execute_wrapper(refuse)


redis = [pytest.mark.redis, pytest.mark.servers, pytest.mark.once]


class TestRedisIsStopped:
    pytestmark = redis

    @pytest.mark.feature("TC-03")
    def test_the_answer_is_503_and_the_cookie_is_kept(self, server, user):
        """With Redis down the answer is 503, or anonymous by setting, and never another user."""
        client = browser(user)
        server.stop()
        answer = client.get("/who/")
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "5"
        assert site_settings.SESSION_COOKIE_NAME not in answer.cookies
        server.start()

    def test_by_setting_the_visitor_is_anonymous_and_keeps_the_cookie(self, server, user, site):
        site.BT_SECURITY_SESSIONS_WHEN_UNAVAILABLE = "anonymous"
        client = browser(user)
        server.stop()
        answer = client.get("/who/")
        assert answer.json() == {"user": None}
        assert site_settings.SESSION_COOKIE_NAME not in answer.cookies

    @pytest.mark.parametrize("path", ["/write/", "/who-async/"])
    def test_no_page_is_a_500(self, server, user, site, path):
        visitors = [browser(user), browser(), with_key("k" * 32)]
        server.stop()
        for way in ("503", "anonymous"):
            site.BT_SECURITY_SESSIONS_WHEN_UNAVAILABLE = way
            for visitor in visitors:
                visitor.raise_request_exception = False
                assert visitor.get(path).status_code in (200, 503)

    def test_a_log_in_is_refused_by_an_error_of_its_own(self, server, user, site, rf):
        site.BT_SECURITY_SESSIONS_WHEN_UNAVAILABLE = "anonymous"
        request = rf.get("/")
        request.session = browser().session
        server.stop()
        with pytest.raises(StoreUnavailable):
            login(request, user, backend="django.contrib.auth.backends.ModelBackend")

    def test_after_a_restart_people_log_in_again(self, server, user):
        client = browser(user)
        server.stop()
        assert client.get("/who/").status_code == 503
        server.start()  # without files: what it held is gone
        assert client.get("/who/").json() == {"user": None}
        assert browser(user).get("/who/").json() == {"user": user.pk}

    def test_a_server_that_hangs_is_503_as_well(self, server, user):
        client = browser(user)
        with server.hanging():
            assert client.get("/who/").status_code == 503
        assert client.get("/who/").json() == {"user": user.pk}


class TestRedisRuns:
    pytestmark = redis

    @pytest.mark.feature("TC-05")
    @pytest.mark.parametrize("hours", [72, 168])
    def test_the_key_lives_as_long_as_the_session(self, server, user, site, hours):
        """The key in Redis lives as long as `SESSION_COOKIE_AGE` says, within a second."""
        site.BT_SECURITY_SESSIONS_IDLE_SECONDS = 0
        site.SESSION_COOKIE_AGE = hours * 3_600
        browser(user)
        assert self.seconds_left(server) in (hours * 3_600, hours * 3_600 - 1)

    def test_the_key_lives_no_longer_than_the_idle_limit(self, server, user, clock):
        client = browser(user)
        assert 12 * 3_600 - self.seconds_left(server) <= 1
        clock.advance(61)
        server.client.expire(self.key(server), 100)
        client.get("/who/")
        assert 12 * 3_600 - self.seconds_left(server) <= 1

    @pytest.mark.feature("TC-01")
    def test_a_log_in_writes_one_key_and_a_log_out_removes_it(self, server, user):
        """A log-in writes one key to Redis and a log-out removes it."""
        client = browser(user)
        assert self.key(server)
        client.logout()
        assert not server.client.keys(f"{self.prefix()}*")

    def test_what_lies_there_is_no_pickle(self, server, user):
        browser(user)
        content = server.client.get(self.key(server)).decode("ascii")
        assert content.startswith(f"{Session.objects.get().uuid}.")

    def test_an_expired_session_is_not_kept(self, server, user):
        session = browser(user).session
        session.set_expiry(-10)
        session.save()
        assert not server.client.keys(f"{self.prefix()}*")

    def test_a_text_is_added_once(self, server, db):
        place = place_of("default")
        assert isinstance(place, RedisPlace)
        assert [place.add("a", "1", 10), place.add("a", "2", 10)] == [True, False]
        assert [place.add("b", "1", 0), place.has("b"), place.has("a")] == [True, False, True]
        assert place.get("a") == "1"

    @staticmethod
    def prefix():
        return caches["default"].key_prefix

    def key(self, server):
        (key,) = server.client.keys(f"{self.prefix()}*")
        return key

    def seconds_left(self, server):
        return server.client.ttl(self.key(server))


def test_a_database_that_is_away_is_503(dead_database, user):
    client = browser(user)
    with dead_database:
        assert client.get("/who/").status_code == 503
    assert client.get("/who/").json() == {"user": user.pk}


def test_a_database_that_is_away_stops_a_log_in(dead_database, user):
    with dead_database, pytest.raises(StoreUnavailable):
        browser(user)


def test_by_setting_an_away_database_makes_anonymous(dead_database, user, settings):
    settings.BT_SECURITY_SESSIONS_WHEN_UNAVAILABLE = "anonymous"
    client = browser(user)
    key = key_of(client)
    with dead_database:
        answer = client.get("/who/")
    assert answer.json() == {"user": None}
    assert not answer.cookies
    assert with_key(key).get("/who/").json() == {"user": user.pk}


def test_a_session_that_could_not_be_read_is_not_overwritten(db, dead_database, settings):
    settings.BT_SECURITY_SESSIONS_WHEN_UNAVAILABLE = "anonymous"
    client = browser(make_user("peter"))
    client.get("/write/")
    session = client.session
    with dead_database:
        session["count"] = 100
    session.save()
    assert client.get("/write/").content == b"2"


def test_a_session_that_could_not_be_read_gets_no_other_key(dead_database, user, settings):
    settings.BT_SECURITY_SESSIONS_WHEN_UNAVAILABLE = "anonymous"
    client = browser(user)
    session = client.session
    with dead_database:
        assert dict(session.items()) == {}
    with pytest.raises(StoreUnavailable):  # the database is back, but what it holds is not known
        session.cycle_key()
    assert session.session_key == key_of(client)
    assert client.get("/who/").json() == {"user": user.pk}


def test_a_log_in_over_a_session_that_could_not_be_read_is_refused(
    dead_database, user, settings, rf
):
    settings.BT_SECURITY_SESSIONS_WHEN_UNAVAILABLE = "anonymous"
    client = browser(user)
    request = rf.get("/")
    request.session = client.session
    with dead_database:
        assert "count" not in request.session
    with pytest.raises(StoreUnavailable):
        login(request, make_user("peter"), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/who/").json() == {"user": user.pk}


def test_a_key_that_could_not_be_stored_is_not_handed_out(dead_database, user):
    client = browser(user)
    session = client.session
    session.load()
    with dead_database, pytest.raises(StoreUnavailable), transaction.atomic():
        session.cycle_key()
    assert session.session_key == key_of(client)
    assert client.get("/who/").json() == {"user": user.pk}


def test_the_log_names_the_kind_of_the_failure_and_quotes_no_text_of_it(
    dead_database, user, caplog
):
    client = browser(user)
    with dead_database:
        client.get("/who/")
    lines = [record.getMessage() for record in caplog.records if "sessions" in record.name]
    assert lines == ["The database of the sessions does not answer: OperationalError"]
