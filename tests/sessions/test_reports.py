"""What is reported of sessions that end is what was written, or neither is."""

from __future__ import annotations

import pytest
from django.db import connection

from bt_security import sessions
from bt_security.models import Session, SessionEpoch
from bt_security.sessions import own
from bt_security.signals import security_event
from tests.sessions.conftest import browser, is_in, key_of, make_user, with_key


class Unheard(Exception):
    """Whoever keeps the reports cannot."""


@pytest.fixture
def deaf():
    """Nobody can take a report."""

    def refuse(sender, action, **_):
        raise Unheard(action)

    security_event.connect(refuse)
    yield
    security_event.disconnect(refuse)


def request_of(client, rf, user):
    request = rf.get("/")
    request.user, request.session = user, client.session
    return request


def before_the_first(verb, change):
    """Let another request do something right before the first statement of a kind."""
    done = []

    def meanwhile(execute, sql, *arguments):
        if sql.startswith(verb) and not done:
            done.append(verb)
            change()
        return execute(sql, *arguments)

    return connection.execute_wrapper(meanwhile)


ENDINGS = {
    "revoke": lambda request: sessions.revoke(sessions.for_user(request.user)[0].id),
    "revoke_each": lambda request: own.revoke_each([sessions.for_user(request.user)[0].id]),
    "revoke_others": sessions.revoke_others,
    "revoke_all": lambda request: sessions.revoke_all(request.user),
    "revoke_everybody": lambda request: sessions.revoke_everybody(),
}


@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS)
def test_an_end_that_cannot_be_reported_does_not_happen(engine, user, rf, deaf, end):
    clients = [browser(user), browser(user)]
    with pytest.raises(Unheard, match=r"session\.ended"):
        end(request_of(clients[0], rf, user))
    assert all(map(is_in, clients))
    assert not SessionEpoch.objects.exists()


def test_a_judgement_that_cannot_be_reported_is_made_again(engine, user, deaf, events):
    client = browser(user)
    type(user).objects.filter(pk=user.pk).update(is_staff=True)
    before = Session.objects.get().expires_at
    with pytest.raises(Unheard):
        client.get("/who/")
    assert Session.objects.get().expires_at == before


def test_a_session_that_moves_to_another_key_meanwhile_ends_all_the_same(engine, user):
    client = browser(user)
    session = client.session
    session.load()
    (info,) = sessions.for_user(user)
    with before_the_first("DELETE", session.cycle_key):
        assert sessions.revoke(info.id)
    assert not is_in(with_key(session.session_key))


def test_another_session_that_moves_to_another_key_meanwhile_ends_too(engine, user, rf):
    own_client, other = browser(user), browser(user)
    session = other.session
    session.load()
    request = request_of(own_client, rf, user)
    with before_the_first("DELETE", session.cycle_key):
        assert sessions.revoke_others(request) == 1
    assert not is_in(with_key(session.session_key))


def test_a_session_that_somebody_else_ends_meanwhile_is_not_reported_again(engine, user, events):
    browser(user)
    (info,) = sessions.for_user(user)
    with before_the_first("DELETE", Session.objects.all().delete):
        assert not sessions.revoke(info.id)
    assert events == []


def test_others_that_end_meanwhile_are_not_counted(engine, user, rf, events):
    client, other = browser(user), browser(user)
    request = request_of(client, rf, user)
    request.session.load()
    with before_the_first("DELETE", other.session.flush):
        assert sessions.revoke_others(request) == 0
    assert [event.count for event in events] == [0]


def test_of_everybodys_sessions_those_are_counted_that_were_live(engine, user, events, clock):
    over, live = browser(user), browser(make_user("peter"))
    sessions.revoke_all(user)
    events.clear()
    assert sessions.revoke_everybody() == 1
    assert [(event.target, event.count) for event in events] == [("everybody", 1)]
    assert not is_in(over)
    assert not is_in(live)
    assert not Session.objects.exists()


def test_an_ended_session_is_out_of_the_cache(engine, user):
    client = browser(user)
    sessions.revoke(sessions.for_user(user)[0].id)
    assert not client.session.exists(key_of(client))
