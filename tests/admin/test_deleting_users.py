"""Users are deleted in the admin, whatever read-only rows of theirs stand in its lists."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import clear_url_caches, path

from bt_security.admin import login_events_page, sessions_page
from bt_security.models import LoginEvent, Session
from tests.history.old_rows import account, event, session
from tests.testapp.models import Account

pytestmark = pytest.mark.once

USERS = "/admin/testapp/account/"

urlpatterns = []


@pytest.fixture
def site(settings, db):
    """An admin with the users of the site, their log-ins and their sessions."""
    settings.BT_SECURITY_FEATURES = ["history", "sessions"]
    settings.ROOT_URLCONF = __name__
    login_events_page.register(admin.site)
    sessions_page.register(admin.site)
    admin.site.register(Account)
    urlpatterns[:] = [path("admin/", admin.site.urls)]
    clear_url_caches()
    yield
    admin.site.unregister([Account, LoginEvent, Session])
    clear_url_caches()


@pytest.fixture
def boss(site):
    client = Client()
    client.force_login(account("boss", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def mary(db):
    user = account("mary")
    event(user)
    session(user=user, days=-0.5)
    return user


def test_a_user_with_log_ins_and_sessions_can_be_deleted(boss, mary):
    asked = boss.get(f"{USERS}{mary.pk}/delete/")
    assert not asked.context["perms_lacking"]
    assert boss.post(f"{USERS}{mary.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Account.objects.filter(pk=mary.pk).exists()
    assert not LoginEvent.objects.filter(user_id=mary.pk).exists()


def test_a_session_cannot_be_deleted_by_itself(boss, mary):
    own = Session.objects.get(user=mary)
    page = f"/admin/bt_security/session/{own.pk}/delete/"
    assert boss.get(page).status_code == 403
    assert boss.post(page, {"post": "yes"}).status_code == 403
    assert Session.objects.filter(pk=own.pk).exists()


def test_the_lists_do_not_offer_to_delete(boss, mary):
    own = Session.objects.get(user=mary)
    shown = boss.get(f"/admin/bt_security/session/{own.pk}/change/")
    assert shown.context["has_delete_permission"] is False
    assert "delete_selected" not in boss.get("/admin/bt_security/session/").content.decode()
