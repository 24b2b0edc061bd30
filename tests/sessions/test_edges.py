"""Rare turns: keys that are taken, users that are gone, sites of another make."""

from __future__ import annotations

import time
from importlib import import_module

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.models.signals import m2m_changed

from bt_security import sessions
from bt_security.checks.sessions import check_left_over_rows
from bt_security.models import Session, SessionEpoch
from bt_security.sessions import epochs, places, receivers, registry
from tests.sessions.conftest import browser, is_in, key_of
from tests.sessions.test_adopting import old_session
from tests.testapp.models import Note


@pytest.fixture
def new_session(engine, db):
    return import_module(engine).SessionStore


def test_a_key_that_is_taken_is_refused(new_session, user):
    other = new_session(key_of(browser(user)))
    other._session_cache = {}
    with pytest.raises(CreateError):
        other.save(must_create=True)


def test_another_key_is_taken_instead(new_session, user, monkeypatch):
    taken = key_of(browser(user))
    keys = iter([taken, "f" * 32])
    monkeypatch.setattr(new_session, "_get_new_session_key", lambda self: next(keys))
    session = new_session()
    session.create()
    assert session.session_key == "f" * 32


def test_a_public_id_that_is_taken_is_refused(new_session, user):
    browser(user)
    session = new_session()
    session[SESSION_KEY] = str(user.pk)
    session._begun_by = str(user.pk)
    session.facts.uuid = str(Session.objects.get().uuid)
    with pytest.raises(UpdateError):
        session.save()


def test_a_session_of_a_user_that_is_gone_is_not_stored(new_session, user):
    session = new_session()
    session[SESSION_KEY] = str(user.pk)
    user.delete()
    with pytest.raises(UpdateError):
        session.save()


def test_a_session_without_a_key_gets_one(new_session):
    session = new_session()
    session["a"] = 1
    session.cycle_key()
    session.save()
    assert new_session(session.session_key)["a"] == 1


def test_expired_sessions_are_cleared_by_the_async_twin_as_well(new_session, user, clock, settings):
    browser(user)
    clock.advance(settings.SESSION_COOKIE_AGE)
    async_to_sync(new_session.aclear_expired)()
    assert not Session.objects.exists()


def test_a_row_of_a_key_that_was_moved_before_is_dropped(engine, user, capsys):
    key = old_session(user)
    call_command("adopt_sessions")
    capsys.readouterr()
    again = old_session(user)
    row = import_module("django.contrib.sessions.models").Session
    row.objects.filter(pk=again).update(session_key=key)
    call_command("adopt_sessions")
    assert "Moved 0, dropped 1" in capsys.readouterr().out
    assert not row.objects.exists()


def test_no_number_is_raised_for_nobody(user):
    epochs.end_all(epochs.with_pks([]))
    assert not SessionEpoch.objects.exists()


def test_a_group_that_nobody_joins_or_leaves_ends_nothing(engine, user):
    client = browser(user)
    user.groups.set([])
    assert is_in(client)


def test_a_log_in_without_a_request_is_left_alone(engine, user):
    user_logged_in.send(type(user), request=None, user=user)


def test_users_without_groups_and_roles_are_judged_by_what_they_have(engine, settings):
    settings.AUTH_USER_MODEL = "testapp.Note"
    before = len(m2m_changed.receivers)
    receivers.connect()
    assert len(m2m_changed.receivers) == before
    receivers.end_of_deleted_group(instance=Note(pk=1))
    assert registry._mark_fields()[3:] == []


def test_rows_say_what_they_are_and_no_secret(engine, user):
    browser(user)
    sessions.revoke_all(user)
    row = Session.objects.get()
    assert str(row) == f"session {row.uuid}"
    assert str(SessionEpoch.objects.get()) == f"epoch 1 of user {user.pk}"


def test_errors_of_clients_are_known_without_loading_them():
    assert OSError in places.unreachable_errors()


def test_a_missing_table_is_no_left_over(settings, db):
    settings.SESSION_ENGINE = "bt_security.sessions.db"

    def refuse(execute, sql, params, many, context):
        raise OperationalError("no such table")

    with connection.execute_wrapper(refuse):
        assert check_left_over_rows(databases=["default"]) == []


def test_time_is_read_when_it_is_needed(new_session, clock):
    clock.advance(1_000_000)
    assert new_session().facts.created == pytest.approx(time.time(), abs=60)
