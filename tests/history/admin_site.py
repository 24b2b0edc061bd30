"""The admin of a host with the login history and the audit log, and staff who look."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import clear_url_caches, path

from bt_security.admin import login_events_page
from bt_security.models import LoginEvent
from tests.audit._reading_rows import empty_log, unwritable_log
from tests.audit.conftest import audit_on, log
from tests.history.old_rows import account

__all__ = ["audit_on", "empty_log", "log", "opener", "reader", "site", "unwritable_log"]

LIST = "/admin/bt_security/loginevent/"
DAYS = f"{LIST}days/"
READ = "history.details_read"
VIEW, DETAILS = "view_loginevent", "view_login_details"

urlpatterns = []


@pytest.fixture
def site(settings, log):
    """An admin site of a host with the feature on, and the audit log."""
    settings.BT_SECURITY_FEATURES = ["audit", "history"]
    settings.ROOT_URLCONF = __name__
    login_events_page.register(admin.site)
    urlpatterns[:] = [path("admin/", admin.site.urls)]
    clear_url_caches()
    yield admin.site
    admin.site.unregister(LoginEvent)
    clear_url_caches()


def logged_in(name, *codes, **fields):
    user = account(name, is_staff=True, **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def reader(site):
    return logged_in("reader", VIEW)


@pytest.fixture
def opener(site):
    return logged_in("opener", VIEW, DETAILS)


def page(of):
    return f"{LIST}{of if isinstance(of, int) else of.pk}/change/"


def shown_ids(answer):
    return [int(line["url"].split("/")[-3]) for line in answer.context["lines"]]


def text_of(answer):
    return answer.content.decode()
