"""With the cache engine the row of a log-in is written when it changes, and not with each save."""

from __future__ import annotations

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bt_security import sessions
from bt_security.models import Session
from bt_security.sessions import registry
from tests.sessions.conftest import CACHE, browser, is_in, key_of, with_key


@pytest.fixture(autouse=True)
def _cache_engine(settings):
    settings.SESSION_ENGINE = CACHE
    settings.BT_SECURITY_FEATURES = ["sessions"]
    settings.ROOT_URLCONF = "tests.sessions.urls"


def writes_of(action):
    with CaptureQueriesContext(connection) as captured:
        action()
    statements = [query["sql"] for query in captured]
    table = "bt_security_session"
    return [sql for sql in statements if sql.startswith("UPDATE") and table in sql]


def test_a_save_of_values_writes_no_row(user):
    client = browser(user)
    assert writes_of(lambda: client.get("/write/")) == []
    assert client.get("/write/").content == b"2"


def test_of_many_saves_one_in_a_minute_writes_the_last_use(user, clock):
    client = browser(user)
    clock.advance(61)
    assert len(writes_of(lambda: client.get("/write/"))) == 1
    assert writes_of(lambda: client.get("/write/")) == []


def test_a_nearer_end_is_written(user, clock):
    client = browser(user)
    session = client.session
    session.set_expiry(60)
    assert len(writes_of(session.save)) == 1
    clock.advance(61)
    assert not is_in(with_key(key_of(client)))


def test_another_key_is_written(user):
    session = browser(user).session
    session.load()
    assert len(writes_of(session.cycle_key)) == 1
    assert is_in(with_key(session.session_key))


def test_a_session_that_has_ended_meanwhile_is_not_stored(user):
    session = browser(user).session
    session.load()
    sessions.revoke(sessions.for_user(user)[0].id)
    with pytest.raises(UpdateError):
        session.save()
    assert not session.exists(session.session_key)


def test_a_session_that_was_closed_by_mistake_is_opened_by_its_save(user):
    session = browser(user).session
    session.load()
    before = Session.objects.get().expires_at
    registry.close(Session.objects.get().pk)
    session.save()
    assert abs(Session.objects.get().expires_at - before).total_seconds() <= 1
