"""The action of the admin that gives a temporary password, and where that is never found."""

from __future__ import annotations

import logging
import re

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.contrib.sessions.models import Session as DjangoSession
from django.core.checks import ERROR
from django.db.models import Model
from django.test import Client
from django.urls import clear_url_caches, path
from django.views.debug import ExceptionReporter

from bt_security.admin import AccountActions
from bt_security.admin.account_actions import Shown
from bt_security.models import AuditEntry, Session, TemporaryPassword
from tests.audit._reading_rows import empty_log, unwritable_log
from tests.audit.conftest import audit_on, log
from tests.passwords.conftest import OWN, site, somebody
from tests.testapp.models import Account

__all__ = ["audit_on", "empty_log", "log", "site", "somebody", "unwritable_log"]

pytestmark = pytest.mark.django_db
LIST = "/admin/testapp/account/"
ACTION = "give_temporary_password"
FORM = re.compile(r"[A-Z2-9]{4}(-[a-z2-9]{4}){4}")

urlpatterns = []


class People(AccountActions, UserAdmin):
    """As a site writes it."""

    actions = ["other_action"]
    list_display = list_filter = search_fields = ()
    ordering = ("pk",)
    filter_horizontal = ()
    fieldsets = [(None, {"fields": ["is_staff"]})]
    add_fieldsets = fieldsets

    def other_action(self, request, queryset):
        """One more, so that the site has its own list."""


@pytest.fixture(autouse=True)
def _admin(site):
    admin.site.register(Account, People)
    site.ROOT_URLCONF = __name__
    site.BT_SECURITY_PASSWORDS_CHANGE_URL = "admin:password_change"
    urlpatterns[:] = [path("admin/", admin.site.urls)]
    clear_url_caches()
    yield
    admin.site.unregister(Account)
    clear_url_caches()


@pytest.fixture
def recorded(log, site):
    """The log, beside the feature."""
    site.BT_SECURITY_FEATURES = ["passwords", "audit"]
    return log


@pytest.fixture
def helper_user(site, db):
    return Account.objects.create_user("helper@example.com", OWN, is_staff=True)


@pytest.fixture
def helper(helper_user):
    """The browser of staff who may change users, and are no superusers."""
    helper_user.user_permissions.set(
        Permission.objects.filter(codename__in=["change_account", "view_account"])
    )
    client = Client()
    client.force_login(helper_user)
    return client


def ask(client, *users, **fields):
    pks = [user.pk for user in users]
    return client.post(LIST, {"action": ACTION, "_selected_action": pks, **fields})


def state_of(answer):
    return answer.context["state"]


def give(client, user):
    """Return the answer with the password, and the password."""
    answer = ask(client, user, state=state_of(ask(client, user)))
    assert answer.status_code == 200
    return answer, FORM.search(answer.content.decode()).group()


def said(answer):
    return [str(message) for message in get_messages(answer.wsgi_request)]


def has_own(user):
    user.refresh_from_db()
    return user.check_password(OWN) and not TemporaryPassword.objects.exists()


def test_without_permission_to_change_users_there_is_no_action(helper, helper_user, somebody):
    helper_user.user_permissions.set(Permission.objects.filter(codename="view_account"))
    assert ACTION not in helper.get(LIST).content.decode()
    assert ask(helper, somebody, state="x").status_code == 302
    assert has_own(somebody)


def test_without_the_feature_there_is_no_action(site, helper, somebody):
    site.BT_SECURITY_FEATURES = []
    assert ACTION not in helper.get(LIST).content.decode()
    ask(helper, somebody, state="x")
    assert has_own(somebody)


def test_a_superusers_is_given_by_superusers_only(helper, recorded):
    root = Account.objects.create_superuser("root@example.com", OWN)
    for fields in ({}, {"state": "x"}):
        assert ask(helper, root, **fields).status_code == 403
    assert has_own(root)
    refused = recorded(action="user.temporary_password")
    assert [(entry.reason, entry.target_id) for entry in refused] == [
        ("superuser", str(root.pk))
    ] * 2


def test_an_admin_may_keep_single_users_out(helper, somebody, monkeypatch, recorded):
    def only_oneself(self, request, obj=None):
        return obj is None or obj.pk == request.user.pk

    monkeypatch.setattr(People, "has_change_permission", only_oneself)
    assert ask(helper, somebody).status_code == 403
    assert has_own(somebody)
    assert recorded.only(action="user.temporary_password").reason == "no_permission"


def test_nobody_gives_one_to_oneself(helper, helper_user):
    answer = ask(helper, helper_user, state="x")
    assert answer.status_code == 302
    assert said(answer) == ["Change your own password on the page that is there for it."]
    assert has_own(helper_user)


def test_two_users_are_refused(helper, somebody):
    other = Account.objects.create_user("other@example.com", OWN)
    answer = ask(helper, somebody, other, state="x")
    assert (answer.status_code, said(answer)) == (302, ["Select exactly one user."])
    assert has_own(somebody)


def test_a_post_without_csrf_token_is_refused(helper_user, helper, somebody):
    client = Client(enforce_csrf_checks=True)
    client.cookies = helper.cookies
    assert ask(client, somebody, state="x").status_code == 403
    assert has_own(somebody)


@pytest.mark.parametrize("state", ["", "x"])
def test_a_form_that_is_not_of_this_account_does_nothing(helper, somebody, state):
    answer = ask(helper, somebody, state=state)
    assert said(answer) == ["The account has changed meanwhile. No password was given now."]
    assert has_own(somebody)


def test_the_form_of_another_account_does_nothing(helper, somebody):
    other = Account.objects.create_user("other@example.com", OWN)
    assert ask(helper, somebody, state=state_of(ask(helper, other))).status_code == 302
    assert has_own(somebody)


@pytest.mark.feature("BD-31")
def test_sending_the_form_again_shows_and_changes_nothing(helper, somebody):
    """A temporary password is shown once: sending the form again neither shows nor gives one."""
    state = state_of(ask(helper, somebody))
    password = FORM.search(ask(helper, somebody, state=state).content.decode()).group()
    again = ask(helper, somebody, state=state)
    assert (again.status_code, again.headers["Location"]) == (302, LIST)
    assert password not in helper.get(LIST).content.decode()
    somebody.refresh_from_db()
    assert somebody.check_password(password)


def test_asking_alone_changes_nothing(helper, somebody):
    answer = ask(helper, somebody)
    assert answer.status_code == 200
    assert "sessions end" in answer.content.decode()
    assert has_own(somebody)


def test_the_password_that_is_shown_works_for_one_log_in_page(helper, somebody):
    answer, password = give(helper, somebody)
    assert "no-store" in answer.headers["Cache-Control"]
    somebody.refresh_from_db()
    assert somebody.check_password(password)
    assert TemporaryPassword.objects.get().user_id == somebody.pk
    assert "It works for 24 hours." in answer.content.decode()


def test_a_superuser_gives_one_to_another(admin_client):
    root = Account.objects.create_superuser("root@example.com", OWN)
    assert give(admin_client, root)


def test_the_action_is_there_beside_the_sites_own_ones(helper):
    choices = [name for name, _ in helper.get(LIST).context["action_form"].fields["action"].choices]
    assert choices == ["", "other_action", ACTION]


def test_an_admin_without_actions_stays_without(monkeypatch):
    monkeypatch.setattr(People, "actions", None)
    assert People(Account, admin.site).actions is None


def test_the_action_is_not_added_twice(monkeypatch):
    monkeypatch.setattr(People, "actions", AccountActions.actions)
    assert People(Account, admin.site).actions == (ACTION,)


def test_it_is_recorded_with_who_did_it_and_to_whom(helper, helper_user, somebody, recorded):
    _, password = give(helper, somebody)
    entry = recorded.only(action="user.temporary_password")
    assert (entry.target_kind, entry.target_id) == ("testapp.account", str(somebody.pk))
    assert entry.actor_id == str(helper_user.pk)
    assert list(entry.body) == ["expires_at"]
    assert password not in entry.entry.body


def test_what_cannot_be_recorded_is_not_done(helper, somebody, recorded, unwritable_log):
    helper.raise_request_exception = False
    state = state_of(ask(helper, somebody))
    assert ask(helper, somebody, state=state).status_code == 500
    assert has_own(somebody)
    assert not LogEntry.objects.exists()


@pytest.mark.feature("BD-31")
@pytest.mark.parametrize(
    "engine", ["bt_security.sessions.db", "django.contrib.sessions.backends.db"]
)
def test_the_password_is_nowhere_but_on_its_page(
    site, somebody, helper_user, recorded, caplog, engine
):
    """A temporary password is in no audit entry, log line, session, admin log or message."""
    site.SESSION_ENGINE = engine
    helper_user.is_superuser = True
    helper_user.save()
    client = Client()
    client.force_login(helper_user)
    with caplog.at_level(logging.DEBUG):
        answer, password = give(client, somebody)
        client.get("/admin/")
    assert LogEntry.objects.get().get_change_message() == "Changed password."
    assert said(answer) == []
    assert password not in answer.wsgi_request.get_full_path()
    assert password not in str(answer.headers)
    assert password not in str(dict(client.session))
    assert password not in caplog.text
    assert password not in "".join(everything_stored())
    assert password not in "".join(str(entry.personal_data) for entry in recorded())


def everything_stored():
    """Yield every value of the tables that such a thing may get into, and decoded sessions."""
    models: list[type[Model]] = [
        Account,
        AuditEntry,
        DjangoSession,
        LogEntry,
        Session,
        TemporaryPassword,
    ]
    for model in models:
        for row in model.objects.values_list():
            yield str(row)
    for row in DjangoSession.objects.all():
        yield str(row.get_decoded())


@pytest.mark.feature("BD-31")
def test_the_report_of_an_error_on_its_page_does_not_have_it(site, helper, somebody, settings):
    """The report of an error while a temporary password is shown does not have it."""
    broken = "<code>{{ password }}</code>{% include missing %}"
    loaders = [
        (
            "django.template.loaders.locmem.Loader",
            {"admin/bt_security/temporary_password/given.html": broken},
        ),
        "django.template.loaders.app_directories.Loader",
    ]
    (engine,) = settings.TEMPLATES
    options = {**engine["OPTIONS"], "loaders": loaders}
    state = state_of(ask(helper, somebody))
    settings.TEMPLATES = [{**engine, "APP_DIRS": False, "OPTIONS": options}]
    before = somebody.password
    try:
        ask(helper, somebody, state=state)
    except Exception as error:  # noqa: BLE001 - whatever the template raises
        reporter = ExceptionReporter(None, type(error), error, error.__traceback__)
        report = reporter.get_traceback_html() + reporter.get_traceback_text()
    assert not FORM.search(report)
    assert "given" in report
    somebody.refresh_from_db()
    assert somebody.password != before


def test_the_secret_of_a_page_does_not_show_itself():
    secret = Shown("K7MR-x3pd")
    assert (str(secret), repr(secret)) == ("K7MR-x3pd", "<hidden>")


def test_an_admin_that_can_give_them_is_checked(site):
    site.AUTHENTICATION_BACKENDS = []
    found = admin.site.get_model_admin(Account).check()
    (error,) = [each for each in found if each.id.startswith("bt_security")]
    assert (error.id, error.level) == ("bt_security.E063", ERROR)
    assert "LimitedBackend" in error.msg


def test_a_site_with_all_that_is_needed_has_nothing_to_be_told():
    found = admin.site.get_model_admin(Account).check()
    assert [each.id for each in found if each.id.startswith("bt_security")] == []
