"""A site that reads from a copy of its database, which knows nothing yet."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from bt_security import sessions
from bt_security.models import Session
from bt_security.sessions import registry
from tests.sessions.conftest import browser, is_in, key_of, make_user, with_key
from tests.sessions.test_adopting import old_session

pytestmark = pytest.mark.django_db(databases=["default", "other"])


class LateCopy:
    """Reads come from the copy, unless they say otherwise."""

    def db_for_read(self, model, **hints):
        return "other"

    def db_for_write(self, model, **hints):
        return "default"

    def allow_relation(self, one, other, **hints):
        return True


@pytest.fixture
def copy(settings):
    settings.DATABASE_ROUTERS = ["tests.sessions.test_replica.LateCopy"]


def request_of(client, rf, user):
    request = rf.get("/")
    request.user, request.session = user, client.session
    return request


def test_a_log_in_is_bound_to_what_the_user_is_like_now(engine, user, copy, rf):
    client = browser(user)
    assert is_in(client, "/bare/")
    assert registry.mark_of(str(user.pk)) is not None


def test_own_sessions_are_listed_and_ended(engine, user, copy, rf):
    client, other, third = browser(user), browser(user), browser(user)
    request = request_of(client, rf, user)
    infos = sessions.for_user(user, request=request)
    assert [info.is_current for info in infos].count(True) == 1
    assert sessions.revoke(next(info.id for info in infos if not info.is_current), user=user)
    assert sessions.revoke_others(request) == 1
    assert [is_in(each, "/bare/") for each in (client, other, third)] == [True, False, False]
    assert sessions.revoke_all(user) == 1
    assert not is_in(client, "/bare/")


def test_a_key_that_is_taken_is_seen(engine, user, copy):
    client = browser(user)
    session = type(client.session)(key_of(client))
    session._session_cache = {}
    assert not session._insert(*session._sealed({}))


def test_everybodys_sessions_are_ended(engine, user, copy):
    browser(user)
    browser(make_user("peter"))
    assert sessions.revoke_everybody() == 2
    assert not Session.objects.using("default").exists()


def test_old_sessions_are_moved_with_their_users(engine, user, settings, capsys):
    key = old_session(user)
    settings.DATABASE_ROUTERS = ["tests.sessions.test_replica.LateCopy"]
    call_command("adopt_sessions")
    assert "Moved 1, dropped 0" in capsys.readouterr().out
    assert is_in(with_key(key), "/bare/")
