"""Who an entry names: users, tokens, commands, tasks, nested blocks, and nobody by mistake."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory

from bt_security import audit
from bt_security.audit import circumstances
from bt_security.audit.context import Actor, current_scope
from bt_security.audit.scopes import in_request
from bt_security.models import ActorKind
from tests.audit.conftest import make_user

ACTION = "test.done"


@pytest.fixture(autouse=True)
def _actions(audit_on):
    audit.register(ACTION, help="For tests.")
    yield
    circumstances._process_actor.cache_clear()


def start_as(monkeypatch, *argv):
    """Let this process look like one that was started so."""
    monkeypatch.setattr(sys, "argv", list(argv))
    circumstances._process_actor.cache_clear()


def request_of(user=None, **meta):
    request = RequestFactory().get("/", **meta)
    request.user = user or AnonymousUser()
    request.bt_request_id = "0123abcd"
    return request


def who(entry):
    return ActorKind(entry.actor_kind).name, entry.actor_id, entry.via


def test_the_user_of_the_request(log, user):
    with in_request(request_of(user)):
        audit.record(ACTION)
    assert who(log.only()) == ("USER", str(user.pk), "")
    assert log.only().request_id == "0123abcd"


def test_a_visitor_is_anonymous(log):
    with in_request(request_of()):
        audit.record(ACTION)
    assert who(log.only()) == ("ANONYMOUS", "", "")


def test_an_api_token_is_named_with_its_user(log, user):
    request = request_of(user)
    request.api_token = SimpleNamespace(uuid=UUID(int=7))
    with in_request(request):
        audit.record(ACTION)
    assert who(log.only()) == ("API_TOKEN", str(user.pk), f"api_token:{UUID(int=7)}")


def test_without_the_authentication_middleware_the_session_names_the_user(log, user):
    request = RequestFactory().get("/")
    request.session = SessionStore()
    request.session[SESSION_KEY] = str(user.pk)
    with in_request(request):
        audit.record(ACTION)
    assert who(log.only()) == ("USER", str(user.pk), "")


def test_without_session_and_user_it_is_anonymous(log):
    with in_request(RequestFactory().get("/")):
        audit.record(ACTION)
    assert who(log.only()) == ("ANONYMOUS", "", "")


def test_an_entry_of_a_session_that_is_being_loaded_does_not_load_it_again(log):
    class Loading(SessionStore):
        def load(self):
            audit.record(ACTION)
            return {}

    request = RequestFactory().get("/")
    request.session = Loading("k" * 32)
    with in_request(request):
        request.session.get("x")
    assert who(log.only()) == ("ANONYMOUS", "", "")
    assert log.only().session_ref == ""


def test_the_session_is_named_by_a_digest_of_its_key(log):
    request = request_of()
    request.session = SessionStore("k" * 32)
    request.session.get("x")
    request.session._session_key = "k" * 32
    with in_request(request):
        audit.record(ACTION)
    assert len(log.only().session_ref) == 16
    assert "kkkk" not in log.only().session_ref


def test_our_sessions_are_named_as_in_their_list(log):
    request = request_of()
    facts = SimpleNamespace(uuid=UUID(int=9))
    request.session = SimpleNamespace(accessed=True, _session_cache={}, facts=facts)
    with in_request(request):
        audit.record(ACTION)
    assert log.only().session_ref == str(UUID(int=9))


def test_a_session_without_a_key_has_no_name(log):
    request = request_of()
    request.session = SessionStore()
    request.session.get("x")
    with in_request(request):
        audit.record(ACTION)
    assert log.only().session_ref == ""


def test_a_block_names_the_actor_and_the_one_around_counts_again(log, user):
    with audit.actor("task", "outer"):
        with audit.actor(user, via="user:9"):
            audit.record(ACTION)
        audit.record(ACTION)
    audit.record(ACTION)
    assert [who(entry) for entry in log()] == [
        ("USER", str(user.pk), "user:9"),
        ("TASK", "outer", ""),
        ("SYSTEM", "", ""),
    ]
    assert current_scope() is None


def test_a_block_in_a_request_keeps_the_request(log, user):
    with in_request(request_of(user)), audit.actor("task", "mail", via=user):
        audit.record(ACTION)
    assert who(log.only()) == ("TASK", "mail", f"user:{user.pk}")
    assert log.only().request_id == "0123abcd"


def test_work_after_the_request_is_not_the_users(log, user):
    with in_request(request_of(user)):
        pass
    audit.record(ACTION)
    assert who(log.only()) == ("SYSTEM", "", "")
    assert log.only().request_id == ""


def test_an_argument_comes_before_everything(log, user):
    with audit.actor(user):
        audit.record(ACTION, actor="task:nightly")
        audit.record(ACTION, actor=Actor(ActorKind.SYSTEM, "cron"))
    assert [who(entry)[:2] for entry in log()] == [("TASK", "nightly"), ("SYSTEM", "cron")]


def test_a_user_without_row_is_anonymous(log):
    audit.record(ACTION, actor=AnonymousUser())
    assert who(log.only()) == ("ANONYMOUS", "", "")


@pytest.mark.parametrize("text", ["nobody", "robot:7", ""])
def test_an_unknown_kind_of_actor_is_refused(log, text):
    with pytest.raises(ValueError, match="no kind of actor"), audit.actor(text):
        raise AssertionError


@pytest.mark.feature("BD-30")
def test_the_entry_of_a_deleted_user_keeps_id_and_name(log):
    """Entries outlive the user they name, with id and label."""
    mary = make_user("mary-2")
    pk = mary.pk
    audit.record(ACTION, actor=mary)
    mary.delete()
    entry = log.only(action=ACTION)
    assert who(entry) == ("USER", str(pk), "")
    assert entry.personal_data["label"] == "mary-2@example.com"


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["/srv/manage.py", "send_bills"], ("COMMAND", "send_bills")),
        (["manage.py", "shell"], ("SHELL", "shell")),
        (["/x/django/__main__.py", "dbshell"], ("SHELL", "dbshell")),
        (["manage.py", "runserver"], ("SYSTEM", "")),
        (["manage.py"], ("SYSTEM", "")),
        (["/usr/bin/gunicorn", "site.wsgi"], ("SYSTEM", "")),
        ([], ("SYSTEM", "")),
    ],
)
def test_outside_of_a_request_the_process_is_the_actor(log, monkeypatch, argv, expected):
    start_as(monkeypatch, *argv)
    audit.record(ACTION)
    assert who(log.only())[:2] == expected
    assert log.only().via.startswith("os:") is (expected[0] != "SYSTEM")


def test_a_process_whose_user_has_no_name_is_named_by_number(log, monkeypatch):
    start_as(monkeypatch, "manage.py", "send_bills")
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    audit.record(ACTION)
    assert log.only().via.startswith("os:uid ")


def test_the_tenant_comes_from_the_sites_function(log, settings):
    settings.BT_SECURITY_AUDIT_TENANT = f"{__name__}.tenant_of"
    audit.record(ACTION)
    with in_request(request_of()):
        audit.record(ACTION)
    assert [entry.tenant for entry in log()] == ["none", "acme"]


def tenant_of(request):
    return "none" if request is None else "acme"


class TestHostileRequests:
    """What a client chooses keeps no entry away and is stored bounded."""

    def test_a_browser_name_of_any_length(self, log):
        with in_request(request_of(HTTP_USER_AGENT="x\x00é" * 5_000)):
            audit.record(ACTION)
        assert len(log.only().personal_data["agent"]) == 250

    def test_an_address_that_is_none(self, log, settings):
        settings.BT_SECURITY_NET_TRUST_PROXY = 1
        with in_request(request_of(HTTP_X_FORWARDED_FOR="not-an-ip")):
            audit.record(ACTION)
        assert log.only().address_tag == b""
        assert "address" not in log.only().personal_data

    @pytest.mark.feature("TK-17")
    def test_a_forwarded_address_of_a_client_does_not_count(self, log):
        """The audit log takes the address that limits and history take."""
        with in_request(request_of(REMOTE_ADDR="192.0.2.1")):
            audit.record(ACTION)
        with in_request(request_of(REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR="203.0.113.9")):
            audit.record(ACTION)
        first, second = log()
        assert first.personal_data["address"] == second.personal_data["address"] == "192.0.2.1"
        assert bytes(first.address_tag) == bytes(second.address_tag) != b""

    def test_a_request_id_of_another_package(self, log):
        request = request_of()
        request.bt_request_id = "é" * 300
        with in_request(request):
            audit.record(ACTION)
        assert len(log.only().request_id) == 128
