"""`manage.py adopt_sessions`: the rows of Django's engine in ours, the cookies as they were."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DjangoSession
from django.contrib.sessions.models import Session as DjangoRow
from django.core.management import CommandError, call_command
from django.utils import timezone

from bt_security import sessions
from tests.sessions.conftest import is_in, with_key


def old_session(user=None, **values):
    """Store a session as Django's engine does, and return its key."""
    session = DjangoSession()
    session.update(values)
    if user is not None:
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return session.session_key


def said(capsys):
    call_command("adopt_sessions")
    return capsys.readouterr().out


def test_another_engine_is_an_error_and_keeps_the_rows(user, settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    old_session(user)
    with pytest.raises(CommandError, match="set it to"):
        call_command("adopt_sessions")
    assert DjangoRow.objects.count() == 1


@pytest.mark.parametrize("name", ["nonsense", "sessions.Nothing", "testapp.Note"])
def test_another_model_is_an_error(engine, db, name):
    with pytest.raises(CommandError):
        call_command("adopt_sessions", "--model", name)


@pytest.mark.feature("BT-33")
def test_before_it_an_old_key_is_nobodys(engine, user):
    """With the change of the engine a cookie of before is anonymous, unless its row is moved."""
    assert not is_in(with_key(old_session(user)))


def test_an_expired_row_is_dropped(engine, user, capsys):
    key = old_session(user)
    DjangoRow.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert "Moved 0, dropped 1 (expired 1" in said(capsys)
    assert not is_in(with_key(key))
    assert not DjangoRow.objects.exists()


def test_an_unreadable_row_is_dropped(engine, user, capsys):
    old_session(user)
    DjangoRow.objects.update(session_data="changed")
    assert "not readable 1," in said(capsys)
    assert not DjangoRow.objects.exists()


def test_a_session_of_before_the_last_password_is_dropped(engine, user, capsys):
    key = old_session(user)
    user.set_password("Another-horse-8")
    user.save()
    assert "password changed 1)" in said(capsys)
    assert not is_in(with_key(key))


def test_a_session_of_a_deleted_user_is_dropped(engine, user, capsys):
    old_session(user)
    user.delete()
    assert "user gone or password changed 1)" in said(capsys)


def test_a_session_of_a_user_that_never_was_is_dropped(engine, user, capsys):
    key = old_session(user)
    session = DjangoSession(key)
    session[SESSION_KEY] = "no number"
    session.save()
    assert "user gone or password changed 1)" in said(capsys)


def test_nobody_is_logged_out(engine, user, capsys):
    keys = [old_session(user, number=number) for number in range(7)]
    anonymous = old_session(cart=[1, 2])
    call_command("adopt_sessions", "--batch-size", "3")
    assert "Moved 8, dropped 0" in capsys.readouterr().out
    assert not DjangoRow.objects.exists()
    assert all(is_in(with_key(key)) for key in keys)
    assert with_key(keys[4]).session["number"] == 4
    assert with_key(anonymous).session["cart"] == [1, 2]


def test_a_second_run_finds_nothing(engine, user, capsys):
    key = old_session(user)
    said(capsys)
    assert "Moved 0, dropped 0" in said(capsys)
    assert is_in(with_key(key))


def test_a_moved_session_ends_when_it_would_have(engine, user, clock, settings, capsys):
    settings.BT_SECURITY_SESSIONS_IDLE_SECONDS = 0
    key = old_session(user)
    ends_at = timezone.now() + timedelta(hours=1)
    DjangoRow.objects.update(expire_date=ends_at)
    said(capsys)
    clock.advance(3590)
    assert is_in(with_key(key))
    clock.advance(11)
    assert not is_in(with_key(key))


def test_a_moved_session_is_listed_and_can_be_ended(engine, user, capsys):
    key = old_session(user)
    said(capsys)
    (info,) = sessions.for_user(user)
    assert sessions.revoke(info.id, user=user)
    assert not is_in(with_key(key))


def test_a_backend_that_the_site_no_longer_has_is_named(engine, user, settings, capsys):
    key = old_session(user)
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.RemoteUserBackend"]
    call_command("adopt_sessions")
    assert "django.contrib.auth.backends.ModelBackend" in capsys.readouterr().err
    assert not is_in(with_key(key))
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    assert is_in(with_key(key))
