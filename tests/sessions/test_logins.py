"""What a log-in, a log-out and a second log-in do to a session."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import alogin, login, logout
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bt_security import sessions
from bt_security.models import Session
from tests.sessions.conftest import (
    async_browser,
    browser,
    is_in,
    key_of,
    make_user,
    with_key,
)

BACKEND = "django.contrib.auth.backends.ModelBackend"


def request_with(session, rf):
    request = rf.get("/")
    request.session = session
    return request


def log_in(client, user, rf):
    """Log in within the client's session, as a log-in view does."""
    request = request_with(client.session, rf)
    login(request, user, backend=BACKEND)
    request.session.save()
    return request.session.session_key


@pytest.mark.feature("TC-02")
def test_a_log_in_changes_the_key_and_the_old_one_is_dead(engine, user, rf):
    """A log-in gives the session another key, keeps its values, and ends the key of before."""
    client = browser()
    client.get("/write/")
    before = key_of(client)
    after = log_in(client, user, rf)
    assert after != before
    assert with_key(after).session["count"] == 1
    assert not with_key(before).session.items()
    assert is_in(with_key(after))
    assert not is_in(with_key(before))


@pytest.mark.feature("TC-01")
def test_a_log_in_stores_one_session_and_a_log_out_removes_it(engine, user, rf):
    """A log-in stores one session under the digest of its key, and a log-out deletes it."""
    client = browser(user)
    assert Session.objects.filter(user=user).count() == 1
    session = client.session
    logout(request_with(session, rf))
    assert not Session.objects.exists()
    assert not session.exists(key_of(client))


def test_a_second_log_in_of_the_same_user_changes_the_key(engine, user, rf):
    client = browser(user)
    before = key_of(client)
    (old,) = sessions.for_user(user)
    after = log_in(client, user, rf)
    assert not is_in(with_key(before))
    assert is_in(with_key(after))
    (new,) = sessions.for_user(user)
    assert new.id != old.id


def test_a_second_log_in_begins_both_limits_anew(engine, user, rf, settings, clock):
    settings.BT_SECURITY_SESSIONS_IDLE_SECONDS = 0
    client = browser(user)
    clock.advance(settings.SESSION_COOKIE_AGE - 10)
    after = log_in(client, user, rf)
    clock.advance(20)
    assert is_in(with_key(after))


def test_a_log_in_of_another_user_takes_nothing_over(engine, user, rf):
    client = browser(user)
    client.get("/write/")
    after = log_in(client, make_user("peter"), rf)
    assert "count" not in with_key(after).session
    assert sessions.for_user(user) == []


def test_the_public_id_stays_with_a_rotated_key(engine, user, rf):
    client = browser(user)
    request = request_with(client.session, rf)
    request.user = user
    before = sessions.current_id(request)
    sessions.rotate(request)
    request.session.save()
    assert [info.id for info in sessions.for_user(user)] == [before]
    assert with_key(request.session.session_key).session["_auth_user_id"] == str(user.pk)


def test_a_rotation_of_nobodys_session_only_changes_the_key(engine, db, rf):
    client = browser()
    client.get("/write/")
    request = request_with(client.session, rf)
    sessions.rotate(request)
    assert with_key(request.session.session_key).session["count"] == 1
    assert sessions.current_id(request) is None


def test_a_rotation_does_not_save_a_session_from_the_end_of_all(engine, user, rf):
    request = request_with(browser(user).session, rf)
    assert request.session["_auth_user_id"]
    sessions.revoke_all(user)
    sessions.rotate(request)
    assert not is_in(with_key(request.session.session_key))


def test_other_engines_rotate_and_have_no_public_id(user, rf, settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    client = browser(user)
    request = request_with(client.session, rf)
    request.user = user
    before = request.session.session_key
    sessions.rotate(request)
    assert request.session.session_key != before
    assert sessions.current_id(request) is None
    assert not sessions.revoke_others(request)


def test_a_revoked_row_of_a_former_engine_is_deleted(engine, user, settings):
    browser(user)
    (info,) = sessions.for_user(user)
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    assert sessions.revoke(info.id)
    assert not Session.objects.exists()


def test_the_cost_of_a_log_in_does_not_grow_with_the_number_of_sessions(engine, user, rf):
    def queries():
        client = browser()
        with CaptureQueriesContext(connection) as captured:
            log_in(client, user, rf)
        return len(captured)

    few = queries()
    Session.objects.bulk_create(
        Session(
            digest=f"s1${number}",
            user=user,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            expires_at=row.expires_at,
        )
        for row in Session.objects.filter(user=user)[:1]
        for number in range(500)
    )
    assert queries() == few


async def _log_in_async(user, rf):
    client = await async_browser(user)
    request = request_with(await client.asession(), rf)
    await alogin(request, user, backend=BACKEND)
    await request.session.asave()
    return request


@pytest.mark.django_db(transaction=True)
def test_async_twins_do_the_same(engine, user, rf):
    async def run():
        request = await _log_in_async(user, rf)
        request.user = user
        await async_browser(user)
        assert len(await sessions.afor_user(user, request=request)) == 2
        assert await sessions.arevoke_others(request) == 1
        before = request.session.session_key
        await sessions.arotate(request)
        assert request.session.session_key != before
        (info,) = await sessions.afor_user(user, request=request)
        assert info.is_current
        assert await sessions.arevoke(info.id, user=user)
        assert await sessions.arevoke_all(user) == 0

    async_to_sync(run)()


def test_a_session_is_seen_not_before_it_began(engine, user):
    browser(user)
    (found,) = sessions.for_user(user)
    assert found.last_seen_at >= found.created_at
