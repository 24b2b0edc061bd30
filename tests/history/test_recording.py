"""Each log-in is one event, whichever view and stack it came through."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import login
from django.contrib.auth.backends import ModelBackend, RemoteUserBackend
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.test import AsyncClient, Client, RequestFactory

from bt_security.devices.remembering import note_login
from bt_security.history import arecord_factor_failed, record_factor_failed
from bt_security.history.names import name_digest, name_digests
from bt_security.history.receivers import method_of
from bt_security.history.recording import AGENT_CHARS, record
from bt_security.keys.purpose import new_generation
from bt_security.models import Device, LoginEvent, LoginOutcome, Session
from tests.history.conftest import (
    FIREFOX,
    PASSWORD,
    browser,
    events,
    log_in,
    make_user,
    only_event,
    post_json,
)
from tests.testapp.models import AccountManager

pytestmark = pytest.mark.usefixtures("history_on")

FORMS = ["/login/", "/admin/login/"]
APIS = ["/json-login/", "/async-login/"]


class OtherBackend:
    """A backend that is not Django's."""


def made_backend():
    """What makes a backend, as `AUTHENTICATION_BACKENDS` may name it."""
    return OtherBackend()


class HeaderBackend(RemoteUserBackend):
    """A backend of a site that trusts its server."""


def request_of(**attributes):
    request = RequestFactory().post("/", HTTP_USER_AGENT=FIREFOX)
    vars(request).update(attributes)
    return request


def answer_later(path, user, password=PASSWORD):
    """Send a log-in through the asynchronous handler."""
    client, headers = AsyncClient(), {"user-agent": FIREFOX}

    async def run():
        if path in APIS:
            return await post_json(client, path, user, password, headers=headers)
        return await log_in(client, user, password, path=path, headers=headers)

    return async_to_sync(run)()


class TestSuccess:
    @pytest.mark.feature("BT-65")
    @pytest.mark.parametrize("path", FORMS)
    def test_a_form_of_the_site_or_the_admin(self, staff, path):
        """A log-in is recorded with time, device, address and method, whatever view it used."""
        log_in(browser(), staff, path=path)
        event = only_event()
        assert (event.user, event.outcome) == (staff, LoginOutcome.SUCCESS)
        assert (event.method, event.name_digest) == ("password", "")
        assert (event.ip_address, event.user_agent) == ("192.0.2.7", FIREFOX)
        assert event.device == Device.objects.get()
        assert (event.device_label, event.is_new_device) == ("Firefox on Linux", True)

    @pytest.mark.parametrize("path", APIS)
    def test_json(self, user, path):
        assert post_json(browser(), path, user).status_code == 200
        event = only_event()
        assert (event.user, event.outcome) == (user, LoginOutcome.SUCCESS)
        assert event.method == "password"

    @pytest.mark.parametrize("path", [*FORMS, *APIS])
    def test_an_asynchronous_stack(self, staff, path):
        answer_later(path, staff)
        event = only_event()
        assert (event.user, event.outcome) == (staff, LoginOutcome.SUCCESS)
        assert (event.ip_address, event.user_agent) == ("127.0.0.1", FIREFOX)
        assert event.is_new_device

    @pytest.mark.parametrize("is_async", [False, True])
    def test_a_forced_log_in_of_a_test_has_no_address(self, user, is_async):
        if is_async:
            async_to_sync(AsyncClient().aforce_login)(user)
        else:
            Client().force_login(user)
        event = only_event()
        assert (event.user, event.outcome) == (user, LoginOutcome.SUCCESS)
        assert (event.method, event.device, event.ip_address) == ("forced", None, None)
        assert event.user_agent is None

    def test_a_signal_without_a_request(self, user):
        user_logged_in.send(type(user), request=None, user=user)
        assert only_event().method == "forced"

    def test_a_known_browser_is_not_new_the_second_time(self, user):
        client = browser()
        for _ in range(2):
            log_in(client, user)
        first, second = events()
        assert (first.is_new_device, second.is_new_device) == (True, False)
        assert first.device == second.device

    def test_a_browser_of_somebody_else_is_new(self, user, staff):
        client = browser()
        log_in(client, user)
        log_in(client, staff)
        assert only_event(user=staff).is_new_device

    def test_a_browser_that_was_noted_for_somebody_else_is_not_named(self, user, staff, rf):
        request = rf.post("/")
        note_login(request, staff)
        record(user=user, outcome=LoginOutcome.SUCCESS, request=request)
        assert only_event().device is None

    def test_the_user_agent_is_cut(self, user):
        log_in(browser(HTTP_USER_AGENT="x" * 10_000), user)
        assert len(only_event().user_agent) == AGENT_CHARS

    def test_a_sealed_session_is_named(self, user, sealed_sessions):
        log_in(browser(), user)
        assert only_event().session_uuid == Session.objects.get().uuid

    def test_a_second_log_in_names_its_own_session(self, user, sealed_sessions):
        client = browser()
        log_in(client, user)
        log_in(client, user)
        first, second = (event.session_uuid for event in events())
        assert second == Session.objects.get().uuid != first

    def test_a_session_of_another_engine_has_no_name(self, user):
        log_in(browser(), user)
        assert only_event().session_uuid is None


class TestMethod:
    def test_what_the_view_says_counts_first(self, user):
        assert method_of(request_of(bt_login_method="passkey"), user) == "passkey"

    @pytest.mark.parametrize(
        ("backend", "method"),
        [
            (ModelBackend, "password"),
            (HeaderBackend, "remote_user"),
            (OtherBackend, "OtherBackend"),
            (made_backend, "OtherBackend"),
        ],
    )
    def test_the_backend_of_the_session_is_named(self, user, backend, method):
        path = f"{backend.__module__}.{backend.__qualname__}"
        request = request_of(session={"_auth_user_backend": path})
        assert method_of(request, user) == method

    def test_the_backend_of_a_user_without_a_session_is_named(self):
        path = f"{HeaderBackend.__module__}.{HeaderBackend.__qualname__}"
        assert method_of(request_of(), SimpleNamespace(backend=path)) == "remote_user"

    def test_without_any_backend_it_is_a_password(self, user):
        assert method_of(request_of(), user) == "password"

    def test_a_view_may_name_it_for_failures_as_well(self, user):
        request = request_of(bt_login_method="passkey")
        user_login_failed.send(__name__, credentials={"username": user.email}, request=request)
        assert only_event().method == "passkey"


class TestFailure:
    @pytest.mark.parametrize("path", FORMS)
    def test_a_wrong_password_in_a_form(self, staff, path):
        log_in(browser(), staff, "wrong", path=path)
        event = only_event()
        assert (event.user, event.outcome) == (staff, LoginOutcome.FAILURE)
        assert (event.ip_address, event.device_label) == ("192.0.2.7", "Firefox on Linux")
        assert (event.device, event.session_uuid, event.name_digest) == (None, None, "")

    @pytest.mark.parametrize("path", APIS)
    def test_a_wrong_password_in_json(self, user, path):
        assert post_json(browser(), path, user, "wrong").status_code == 401
        assert only_event().outcome == LoginOutcome.FAILURE

    def test_an_asynchronous_stack(self, user):
        answer_later("/async-login/", user, "wrong")
        assert (only_event().user, only_event().outcome) == (user, LoginOutcome.FAILURE)

    def test_a_user_who_may_not_log_in(self):
        user = make_user("peter", is_active=False)
        log_in(browser(), user)
        assert (only_event().user, only_event().outcome) == (user, LoginOutcome.FAILURE)

    def test_an_unknown_name_is_a_digest_of_all_its_spellings(self):
        log_in(browser(), "Nobody@example.com")
        event = only_event()
        assert (event.user, event.outcome) == (None, LoginOutcome.FAILURE)
        assert event.name_digest == name_digest(" NOBODY@example.com")
        assert "nobody" not in event.name_digest

    def test_an_unknown_name_is_found_under_an_older_key(self):
        log_in(browser(), "nobody@example.com")
        new_generation("login-name")
        assert only_event().name_digest != name_digest("nobody@example.com")
        assert only_event().name_digest in name_digests("nobody@example.com")

    @pytest.mark.parametrize("name", ["", "n" * 100_000, "nul\x00byte", "\ud800"])
    def test_any_text_may_be_typed(self, name):
        user_login_failed.send(__name__, credentials={"username": name}, request=request_of())
        assert only_event().user is None

    def test_a_name_that_several_accounts_answer_to(self, user, monkeypatch):
        make_user("mary.two")

        def by_first_part(manager, name):
            return manager.get(email__isnull=False)

        monkeypatch.setattr(AccountManager, "get_by_natural_key", by_first_part)
        user_login_failed.send(__name__, credentials={"username": "mary"}, request=request_of())
        assert (only_event().user, only_event().outcome) == (None, LoginOutcome.FAILURE)

    def test_credentials_without_a_name(self):
        user_login_failed.send(__name__, credentials={"code": "1"}, request=None)
        assert (only_event().name_digest, only_event().ip_address) == ("", None)


class TestFactorFailed:
    def test_it_is_an_event_of_its_own(self, user):
        """A right password with a wrong second factor is recorded as that."""
        event = record_factor_failed(request_of(), user, method="totp")
        assert event == only_event()
        assert (event.user, event.outcome) == (user, LoginOutcome.FACTOR_FAILED)
        assert (event.method, event.ip_address, event.device) == ("totp", "127.0.0.1", None)

    def test_async_code_has_its_own(self, user):
        async_to_sync(arecord_factor_failed)(request_of(), user, method="totp")
        assert only_event().outcome == LoginOutcome.FACTOR_FAILED

    def test_a_long_method_is_cut(self, user):
        record_factor_failed(request_of(), user, method="x" * 300)
        assert len(only_event().method) == 32


def test_with_the_feature_off_nothing_is_recorded(user, settings):
    settings.BT_SECURITY_FEATURES = []
    log_in(browser(), user)
    log_in(browser(), user, "wrong")
    assert record(user=user, outcome=LoginOutcome.SUCCESS, request=None) is None
    assert not LoginEvent.objects.exists()


def test_two_receivers_of_one_log_in_write_one_event(user):
    request = request_of(session=Client().session, user=user)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    assert only_event().user == user


ORDER = """
import json
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="k" * 50,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "bt_security"],
    BT_SECURITY_FEATURES=["sessions", "ratelimit", "passwords", "audit", "history"],
)
django.setup()
from django.contrib.auth.signals import user_logged_in
print(json.dumps([str(key[0]) for key, *_ in user_logged_in.receivers]))
"""


@pytest.mark.once
def test_the_event_is_written_after_whatever_gives_it_a_session_or_refuses_it():
    child = [sys.executable, "-c", ORDER]
    order = json.loads(subprocess.run(child, capture_output=True, check=True).stdout)
    ours = order.index("bt_security.history.login")
    before = ("sessions.renew", "passwords.mark", "audit.login", "devices.remember_login")
    assert all(order.index(f"bt_security.{name}") < ours for name in before)
