"""The list of sessions in the admin."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib import admin
from django.contrib.admin.sites import AdminSite
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import clear_url_caches, path
from django.utils import timezone

from bt_security import sessions
from bt_security.admin import sessions_page
from bt_security.exceptions import WrongKey
from bt_security.models import Session
from bt_security.signals import security_event
from tests.testapp.models import Account

LIST = "/admin/bt_security/session/"


@pytest.fixture
def site(settings, db):
    """An admin site of a host with the feature on."""
    settings.BT_SECURITY_FEATURES = ["sessions"]
    settings.SESSION_ENGINE = "bt_security.sessions.db"
    settings.ROOT_URLCONF = __name__
    sessions_page.register(admin.site)
    urlpatterns[:] = [path("admin/", admin.site.urls)]
    clear_url_caches()
    yield admin.site
    admin.site.unregister(Session)
    clear_url_caches()


urlpatterns = []


def logged_in(email, **fields):
    account = Account.objects.create_user(email, "password", is_staff=True, **fields)
    client = Client()
    client.force_login(account)
    return client


def allowed(email, *codes):
    client = logged_in(email)
    account = Account.objects.get(email=email)
    account.user_permissions.set(Permission.objects.filter(codename__in=codes))
    client.force_login(account)
    return client


def ids_of(email):
    return [str(info.id) for info in sessions.for_user(Account.objects.get(email=email))]


def end(client, ids):
    rows = Session.objects.filter(uuid__in=ids).values_list("pk", flat=True)
    data = {"action": "end_selected", "_selected_action": list(rows)}
    return client.post(LIST, data, follow=True)


def test_without_the_feature_there_is_no_list(settings):
    own = AdminSite()
    settings.BT_SECURITY_FEATURES = []
    sessions_page.register(own)
    assert not own.is_registered(Session)


def test_staff_without_the_permission_are_refused(site):
    assert logged_in("staff@example.org").get(LIST).status_code == 403


def test_who_may_only_look_cannot_end_a_session(site):
    client = allowed("staff@example.org", "view_session")
    other = logged_in("boss@example.org")
    assert "end_selected" not in client.get(LIST).content.decode()
    end(client, ids_of("boss@example.org"))
    assert other.get("/admin/").status_code == 200


@pytest.mark.parametrize("page", ["add/", "{pk}/delete/"])
def test_nothing_is_added_or_deleted_there(site, page):
    client = logged_in("root@example.org", is_superuser=True)
    address = LIST + page.format(pk=Session.objects.get().pk)
    assert client.get(address).status_code == 403


def test_neither_list_nor_row_shows_digest_content_or_key(site):
    client = logged_in("root@example.org", is_superuser=True)
    row = Session.objects.get()
    shown = client.get(LIST).content.decode()
    shown += client.get(f"{LIST}{row.pk}/change/").content.decode()
    assert str(row.uuid) in shown
    for secret in (row.digest, row.sealed, row.mark, client.session.session_key):
        assert secret not in shown


@pytest.mark.feature("TK-14")
def test_an_administrator_ends_the_sessions_of_others(site):
    """An administrator ends selected sessions in the admin, and their browsers are logged out."""
    client = allowed("staff@example.org", "delete_session")
    other = logged_in("boss@example.org")
    answer = end(client, ids_of("boss@example.org"))
    assert "1 session was ended." in answer.content.decode()
    assert other.get("/admin/").status_code == 302
    assert client.get("/admin/").status_code == 200


def test_sessions_of_visitors_are_not_listed(site):
    visitor = Client()
    visitor.session.save()
    client = logged_in("root@example.org", is_superuser=True)
    assert client.get(LIST).context["cl"].result_count == 1


OVER = {
    "all ended": lambda row: sessions.revoke_all(row.user),
    "absolute limit": lambda row: update(row, expires_at=timezone.now()),
    "idle": lambda row: update(row, last_seen_at=timezone.now() - timedelta(days=2)),
}


def update(row, **values):
    Session.objects.filter(pk=row.pk).update(**values)


@pytest.mark.parametrize("end", OVER.values(), ids=OVER)
def test_sessions_that_are_over_are_not_listed(site, end):
    logged_in("boss@example.org")
    over = Session.objects.get()
    client = logged_in("root@example.org", is_superuser=True)
    assert client.get(LIST).context["cl"].result_count == 2
    end(over)
    assert client.get(LIST).context["cl"].result_count == 1
    assert client.get(f"{LIST}{over.pk}/change/").status_code == 302


def test_the_session_that_was_used_last_comes_first(site):
    logged_in("boss@example.org")
    update(Session.objects.get(), last_seen_at=timezone.now() - timedelta(hours=1))
    client = logged_in("root@example.org", is_superuser=True)
    found = client.get(LIST).context["cl"].result_list
    assert [row.user.email for row in found] == ["root@example.org", "boss@example.org"]


def test_a_list_that_cannot_be_reported_ends_nothing(site):
    client = allowed("staff@example.org", "delete_session")
    others = [logged_in(f"boss{number}@example.org") for number in range(2)]
    seen = []

    def refuse_the_second(sender, action, **_):
        seen.append(action)
        if len(seen) == 2:
            raise RuntimeError("nobody keeps the report")

    ids = [*ids_of("boss0@example.org"), *ids_of("boss1@example.org")]
    security_event.connect(refuse_the_second)
    with pytest.raises(RuntimeError):
        end(client, ids)
    security_event.disconnect(refuse_the_second)
    assert [other.get("/admin/").status_code for other in others] == [200, 200]


def test_the_list_is_searched_by_the_whole_log_in_name(site):
    client = logged_in("root@example.org", is_superuser=True)
    logged_in("boss@example.org")
    found = client.get(LIST, {"q": "boss@example.org"}).context["cl"]
    assert [str(row.uuid) for row in found.result_list] == ids_of("boss@example.org")
    assert client.get(LIST, {"q": "boss"}).context["cl"].result_count == 0


class Nameless:
    """A user whose name is sealed under a key that is missing."""

    def __str__(self):
        raise WrongKey


def test_a_name_that_does_not_open_is_shown_by_primary_key(site):
    row = SimpleNamespace(user=Nameless(), user_id=7)
    assert sessions_page.SessionAdmin(Session, site).owner(row) == "account 7"


def test_a_second_registration_changes_nothing(site):
    sessions_page.register(site)
    assert site.is_registered(Session)
