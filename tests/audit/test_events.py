"""Everything that the package does is in the log, once."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.contrib.contenttypes.models import ContentType
from django.core.management.sql import emit_post_migrate_signal
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory

import bt_security
from bt_security import devices, keys, net, sessions, tokens
from bt_security.apps import RECEIVERS
from bt_security.audit import actions, personal, settings_watch
from bt_security.conf import conf
from bt_security.exceptions import FetchRefused, TokenRefused
from bt_security.keys.purpose import new_generation
from bt_security.models import ActorKind, AuditSubjectKey, Device, Outcome, Session
from bt_security.signals import credentials_changed
from bt_security.tokens import api, feeds
from tests.audit.conftest import PASSWORD, make_user
from tests.audit.site import MIDDLEWARE

SOURCES = Path(bt_security.__file__).parent
REPORTED = re.compile(r'\b(?:report|report_event)\(\s*f?"([a-z_]+\.[a-z_{}]+)"')
RECORDED = re.compile(r'\b(?:record|record_refusal)\(\s*"([a-z_]+\.[a-z_]+)"')


@pytest.fixture
def site(settings, log):
    """A site with every feature that is built."""
    settings.BT_SECURITY_FEATURES = ["sessions", "csrf", "ratelimit", "audit"]
    settings.ROOT_URLCONF = "tests.audit.site"
    settings.MIDDLEWARE = MIDDLEWARE
    settings.CSRF_FAILURE_VIEW = "bt_security.csrf.failure"
    actions.register("test.done", help="For tests.")
    return log


def sign_in(client, user, password=PASSWORD):
    return client.post("/sign-in/", {"username": user.email, "password": password})


def test_every_name_that_the_package_uses_is_registered(audit_on):
    sources = [file.read_text(encoding="utf-8") for file in SOURCES.rglob("*.py")]
    used = {name for text in sources for name in [*REPORTED.findall(text), *RECORDED.findall(text)]}
    used = {name for name in used if "{" not in name}
    assert len(used) > 25
    assert used - set(actions._actions) == set()


@pytest.mark.feature("TK-53")
def test_every_name_is_dotted_and_has_words_of_both_vocabularies(audit_on):
    """Each action has a dotted name, a help text, an OWASP word and OCSF numbers."""
    for action in actions.all_actions():
        assert re.fullmatch(r"[a-z_]+\.[a-z_]+", action.name)
        assert action.help.endswith(".")
        assert action.owasp
        assert action.ocsf_class in {3001, 3002, 3004, 3005, 6003, 2004}
        assert action.ocsf_activity


def test_a_name_is_registered_once(audit_on):
    first = actions.register("bill.paid", help="A bill was paid.")
    assert actions.register("bill.paid", help="A bill was paid.") == first
    assert first.name == "bill.paid"
    with pytest.raises(ValueError, match="other values"):
        actions.register("bill.paid", help="Another.")


@pytest.mark.parametrize(
    "name", ["paid", "Bill.paid", "bill.", "bill paid", "a." + "b" * 63, "bïll.paid"]
)
def test_a_name_of_another_form_is_refused(audit_on, name):
    with pytest.raises(ValueError, match="not the name"):
        actions.register(name, help="No.")


class TestLogins:
    @pytest.mark.feature("BT-71")
    def test_a_login_is_one_entry(self, site, user):
        """A log-in is one row with actor, action, target and address."""
        assert sign_in(Client(), user).status_code == 200
        entry = site.only()
        assert (entry.action, entry.outcome) == ("user.login", Outcome.SUCCESS)
        assert (entry.actor_id, entry.target_id) == (str(user.pk), str(user.pk))
        assert entry.personal_data["address"] == "127.0.0.1"

    def test_a_failed_login_names_the_account_and_not_the_password(self, site, user):
        assert sign_in(Client(), user, "s3cret-guess").status_code == 401
        entry = site.only()
        assert (entry.action, entry.outcome) == ("user.login_failed", Outcome.FAILURE)
        assert entry.target_id == str(user.pk)
        assert entry.actor_kind == ActorKind.ANONYMOUS
        assert "s3cret" not in str(entry.entry.__dict__)

    def test_the_address_of_a_refused_log_in_is_nobodys(self, site, user):
        sign_in(Client(), user, "s3cret-guess")
        assert site.only().personal_data["address"] == "127.0.0.1"
        (key,) = AuditSubjectKey.objects.all()
        assert key.subject == personal.anonymous_subject()

    def test_an_unknown_name_is_a_tag_only(self, site):
        data = {"username": "nobody@example.com", "password": "x"}
        for _ in range(2):
            Client().post("/sign-in/", data)
        first, second = site()
        assert first.target_id == ""
        assert first.body["name_tag"] == second.body["name_tag"]
        assert "nobody" not in str(first.entry.__dict__)

    @pytest.mark.parametrize("name", ["n" * 300, "a\x00b", "﷽@example.com", ""])
    def test_a_hostile_name_leaves_its_entry(self, site, name):
        Client().post("/sign-in/", {"username": name, "password": "x"})
        assert site.only().action == "user.login_failed"

    def test_a_logout_is_one_entry(self, site, user):
        client = Client()
        sign_in(client, user)
        client.post("/sign-out/")
        assert site.actions() == ["user.login", "user.logout"]
        assert site()[1].actor_id == str(user.pk)

    def test_a_visitor_who_logs_out_leaves_none(self, site):
        Client().post("/sign-out/")
        assert site() == []

    def test_without_our_middleware_the_request_is_known_too(self, site, settings, user):
        settings.MIDDLEWARE = [line for line in MIDDLEWARE if "bt_security" not in line]
        client = Client()
        sign_in(client, user, "wrong")
        sign_in(client, user)
        client.post("/sign-out/")
        assert site.actions() == ["user.login_failed", "user.login", "user.logout"]
        assert {entry.personal_data["address"] for entry in site()} == {"127.0.0.1"}

    def test_without_any_request_there_is_an_entry(self, site, user):
        user_logged_in.send(sender=None, request=None, user=user)
        user_logged_out.send(sender=None, request=None, user=user)
        user_login_failed.send(sender=None, credentials={"username": user.email})
        assert site.actions() == ["user.login", "user.logout", "user.login_failed"]


class TestRequests:
    def test_a_refusal_outlives_the_rollback_of_its_view(self, site):
        assert Client().post("/refuse/").status_code == 403
        entry = site.only()
        assert (entry.outcome, entry.reason) == (Outcome.REFUSED, "not_allowed")

    def test_an_async_view_too(self, transactional_db, site):
        async def visit():
            return await AsyncClient().get("/refuse-later/")

        assert async_to_sync(visit)().status_code == 403
        assert [entry.outcome for entry in site()] == [Outcome.REFUSED]

    def test_the_request_id_is_that_of_the_answer(self, site, user):
        answer = sign_in(Client(), user)
        assert site.only().request_id == answer.headers["X-Request-ID"]

    def test_a_csrf_refusal_is_one_entry(self, site):
        client = Client(enforce_csrf_checks=True)
        assert client.post("/change/").status_code == 403
        assert site.actions() == ["csrf.refused"]

    def test_a_limit_that_is_exceeded_is_one_entry(self, site, settings):
        settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"login": "2/1m:ip"}
        for _ in range(5):
            Client().post("/limited/")
        assert set(site.actions()) == {"ratelimit.exceeded"}
        assert len(site()) == 1

    def test_a_refused_fetch_is_one_entry(self, site):
        with pytest.raises(FetchRefused):
            net.safe_fetch("http://127.0.0.1/?key=s3cret")
        assert site.actions() == ["fetch.refused"]
        assert "s3cret" not in site.only().entry.body


class TestTokens:
    def test_issue_redeem_and_reuse(self, site, user):
        token = tokens.issue("password_reset", user)
        assert tokens.redeem("password_reset", token).subject == str(user.pk)
        with pytest.raises(TokenRefused):
            tokens.redeem("password_reset", token)
        assert site.actions() == ["tokens.issued", "tokens.redeemed", "tokens.refused"]
        assert token not in str([entry.entry.__dict__ for entry in site()])

    def test_api_tokens(self, site, user):
        issued = api.issue(user, "cli")
        rotated = api.rotate(issued.token)
        api.revoke(issued.token)
        assert site.actions() == ["api_token.created", "api_token.rotated", "api_token.revoked"]
        stored = str([entry.entry.__dict__ for entry in site()])
        assert issued.secret not in stored
        assert rotated.secret not in stored

    def test_feed_tokens(self, site, user):
        secret = feeds.issue(user, "calendar")
        feeds.revoke(user, "calendar")
        assert site.actions() == ["feed_token.issued", "feed_token.revoked"]
        assert secret not in str([entry.entry.__dict__ for entry in site()])


def test_a_log_in_names_the_session_of_what_follows(site, settings, user):
    settings.SESSION_ENGINE = "bt_security.sessions.db"
    user_logged_in.receivers.clear()
    user_logged_in.sender_receivers_cache.clear()
    for place in ("bt_security.sessions.receivers", "bt_security.audit.receivers"):
        import_module(place).connect()
    assert next(iter(RECEIVERS)) == "bt_security.sessions.receivers"
    client = Client()
    sign_in(client, user)
    client.post("/refuse/")
    login, refused = site()
    assert login.session_ref == refused.session_ref == str(Session.objects.get().uuid)


def test_ended_sessions_are_one_entry_each(site, settings, user):
    settings.SESSION_ENGINE = "bt_security.sessions.db"
    clients = [Client(), Client()]
    for client in clients:
        sign_in(client, user)
    assert sessions.revoke(Session.objects.exclude(user=None).first().uuid)
    sessions.revoke_all(user)
    ended = site(action="session.ended")
    assert [entry.reason for entry in ended] == ["revoked", "all_revoked"]


def test_devices_are_one_entry_each(site, user):
    request = RequestFactory().get("/")
    device = devices.remember(request, HttpResponse(), user)
    devices.trust(device)
    devices.untrust(device)
    devices.revoke(device)
    assert Device.objects.get().revoked_at is not None
    assert site.actions() == [
        "device.added",
        "device.trusted",
        "device.untrusted",
        "device.revoked",
    ]


def test_a_new_key_for_digests_is_one_entry(site):
    new_generation("audit-mac")
    created = site(action="keys.purpose_key_created")
    assert created[-1].target_id == "audit-mac"
    assert keys.purpose_keys("audit-mac")[0].generation == 2


def test_changed_credentials_are_one_entry(site, user):
    credentials_changed.send(sender=None, user=user, request=None)
    assert site.only(action="user.credentials_changed").target_id == str(user.pk)


class TestPasswords:
    def test_a_password_that_is_set_is_one_entry(self, site, user):
        user.set_password("Another-horse-8")
        user.save()
        assert site.actions() == ["user.password_changed"]
        assert site.only().target_id == str(user.pk)
        assert "Another-horse-8" not in str(site.only().entry.__dict__)

    def test_a_new_account_and_other_changes_are_none(self, site, user):
        make_user("anne")
        user.is_staff = True
        user.save()
        assert site() == []

    def test_a_hash_that_is_made_anew_at_log_in_is_none(self, site, user, settings):
        settings.PASSWORD_HASHERS = [
            "django.contrib.auth.hashers.PBKDF2PasswordHasher",
            *settings.PASSWORD_HASHERS,
        ]
        assert user.check_password(PASSWORD)
        assert user.password.startswith("pbkdf2")
        assert site() == []


class TestSettings:
    def test_the_first_look_remembers(self, site):
        assert settings_watch.record_changes() == []
        assert site(action="settings.changed") == []

    def test_a_changed_setting_is_one_entry_with_both_values(self, site, settings):
        settings_watch.record_changes()
        settings.SESSION_COOKIE_AGE = 60
        settings.BT_SECURITY_SESSIONS_IDLE_SECONDS = 90
        assert settings_watch.record_changes() == [
            "BT_SECURITY_SESSIONS_IDLE_SECONDS",
            "SESSION_COOKIE_AGE",
        ]
        assert settings_watch.record_changes() == []
        first, second = site.only(action="settings.changed").body["changes"]
        assert (first["before"], first["after"]) == (None, "90")
        assert (second["before"], second["after"]) == ("1209600", "60")

    def test_a_secret_setting_is_a_digest(self, site, settings, monkeypatch):
        monkeypatch.setattr(type(conf.site).base_url, "secret", True)
        settings.BT_SECURITY_SITE_BASE_URL = "https://canary.example"
        settings_watch.record_changes()
        settings.BT_SECURITY_SITE_BASE_URL = "https://another-canary.example"
        assert settings_watch.record_changes() == ["BT_SECURITY_SITE_BASE_URL"]
        (change,) = site.only(action="settings.changed").body["changes"]
        assert change["before"] != change["after"]
        assert "canary" not in str(change)

    def test_migrate_compares_once(self, site, settings, django_app):
        settings_watch.record_changes()
        settings.DEBUG = True
        django_app()
        assert len(site(action="settings.changed")) == 1


@pytest.fixture
def django_app():
    """Send what `migrate` sends at its end."""
    return lambda: emit_post_migrate_signal(0, False, "default")


class TestAdmin:
    @pytest.fixture
    def administrator(self, site, settings, user):
        user.is_staff = user.is_superuser = True
        user.save()
        client = Client()
        client.force_login(user)
        return client

    @pytest.mark.feature("BT-71")
    def test_each_action_is_one_entry(self, site, administrator, user):
        """Adding, changing and deleting in the admin write one row each."""
        administrator.post("/admin/auth/group/add/", {"name": "editors"})
        group = Group.objects.get()
        administrator.post(f"/admin/auth/group/{group.pk}/change/", {"name": "authors"})
        administrator.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"})
        found = [entry for entry in site() if entry.action.startswith("admin.")]
        assert [entry.action for entry in found] == [
            "admin.added",
            "admin.changed",
            "admin.deleted",
        ]
        assert {entry.target_kind for entry in found} == {"auth.group"}
        assert {entry.target_id for entry in found} == {str(group.pk)}
        assert {entry.actor_id for entry in found} == {str(user.pk)}
        assert found[1].body == {"fields": ["Name"]}
        assert found[1].personal_data["address"] == "127.0.0.1"

    @pytest.mark.parametrize("count", [1, 3])
    def test_a_deletion_of_several_rows_is_one_entry(self, site, administrator, count):
        groups = [Group.objects.create(name=f"group {n}") for n in range(count)]
        data = {
            "action": "delete_selected",
            "_selected_action": [group.pk for group in groups],
        }
        administrator.post("/admin/auth/group/", data)
        assert site(action="admin.deleted") == []  # Django asks first
        administrator.post("/admin/auth/group/", data | {"post": "yes"})
        entry = site.only(action="admin.deleted")
        assert not Group.objects.exists()
        assert entry.target_kind == "auth.group"
        assert entry.body["count"] == count
        assert sorted(entry.body["pks"]) == sorted(str(group.pk) for group in groups)

    def test_an_entry_of_djangos_log_by_other_code_counts_too(self, site, user):
        kind = ContentType.objects.get_for_model(Group)
        LogEntry.objects.create(
            user_id=user.pk,
            content_type=kind,
            object_id="7",
            action_flag=CHANGE,
            change_message="by hand",
        )
        LogEntry.objects.create(user_id=user.pk, object_id="8", action_flag=CHANGE)
        LogEntry.objects.create(user_id=user.pk, object_id="9", action_flag=9)
        first, second = site()
        assert (first.target_kind, first.target_id, first.body) == (
            "auth.group",
            "7",
            {"fields": []},
        )
        assert first.actor_id == str(user.pk)
        assert second.target_kind == ""


def test_two_users_have_two_data_keys(site, user):
    other = make_user("anne")
    sign_in(Client(), user)
    sign_in(Client(), other)
    first, second = site()
    assert first.subject_key != second.subject_key
