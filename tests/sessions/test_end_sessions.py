"""`manage.py end_sessions`."""

from __future__ import annotations

import builtins
import io

import pytest
from django.core.management import CommandError, call_command

from tests.sessions.conftest import browser, is_in, make_user


@pytest.fixture
def answer(monkeypatch):
    """What is typed when the command asks."""

    def say(text):
        monkeypatch.setattr(builtins, "input", lambda question: text)

    return say


def test_without_the_feature_nothing_is_ended(engine, user, settings):
    settings.BT_SECURITY_FEATURES = []
    with pytest.raises(CommandError, match="does not have"):
        call_command("end_sessions", "--all", "--yes")


def test_an_unknown_user_is_an_error(engine, user):
    with pytest.raises(CommandError, match="no such user"):
        call_command("end_sessions", "--user", "nobody@example.com", "--yes")


def test_any_other_answer_than_yes_changes_nothing(engine, user, answer):
    client = browser(user)
    answer("y")
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("end_sessions", "--all")
    assert is_in(client)


def test_where_nobody_can_answer_nothing_is_changed(engine, user, monkeypatch):
    client = browser(user)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(CommandError, match="use --yes"):
        call_command("end_sessions", "--all")
    assert is_in(client)


def test_a_name_that_is_also_a_primary_key_is_refused(engine, user):
    other = make_user("peter")
    type(user).objects.filter(pk=other.pk).update(email=str(user.pk))
    with pytest.raises(CommandError, match="primary key of another"):
        call_command("end_sessions", "--user", str(user.pk), "--yes")


@pytest.mark.parametrize("named_by", ["email", "pk"])
def test_all_sessions_of_one_user_end(engine, user, named_by, capsys):
    clients, other = [browser(user), browser(user)], browser(make_user("peter"))
    call_command("end_sessions", "--user", str(getattr(user, named_by)), "--yes")
    assert (
        f"Ended 2 sessions of the user with the primary key {user.pk}." in capsys.readouterr().out
    )
    assert not any(is_in(client) for client in clients)
    assert is_in(other)


@pytest.mark.feature("TK-14")
def test_all_sessions_of_everybody_end(engine, user, answer, capsys):
    """One command ends the sessions of everybody, and the next request of each is anonymous."""
    clients = [browser(user), browser(make_user("peter"))]
    answer("yes")
    call_command("end_sessions", "--all")
    assert "Ended 2 sessions of everybody." in capsys.readouterr().out
    assert not any(is_in(client) for client in clients)
