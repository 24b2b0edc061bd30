"""Checks of the login history and of the account pages."""

from __future__ import annotations

import pytest
from django.core.checks import ERROR, WARNING
from django.core.checks.registry import registry
from django.urls import set_script_prefix

from bt_security.checks.accounts import check_templates, check_ways
from bt_security.checks.history import check_addresses, check_sessions, check_spool
from tests.testapp.models import Account

pytestmark = pytest.mark.once

DJANGOS_ENGINE = "django.contrib.sessions.backends.db"
DEPLOY = (check_spool, check_sessions, check_addresses, check_ways)


@pytest.fixture
def site(settings):
    settings.BT_SECURITY_FEATURES = ["sessions", "history", "accounts"]
    settings.SESSION_ENGINE = "bt_security.sessions.db"
    settings.ROOT_URLCONF = "tests.accounts.log_in_site"
    settings.LOGIN_URL = "bt_security:login"
    settings.LOGIN_REDIRECT_URL = "/welcome"
    return settings


def test_a_site_with_all_of_it_hears_nothing(site, tmp_path):
    site.BT_SECURITY_HISTORY_SPOOL_DIR = str(tmp_path / "is" / "made")
    assert [found for check in (*DEPLOY, check_templates) for found in check()] == []


def test_a_site_without_the_features_hears_nothing(settings):
    settings.BT_SECURITY_FEATURES = ["sessions"]
    settings.BT_SECURITY_HISTORY_SPOOL_DIR = "relative"
    settings.TEMPLATES = []
    assert [found for check in (*DEPLOY, check_templates) for found in check()] == []


@pytest.mark.parametrize("directory", ["relative", "/dev/null/spool", "/proc/1"])
def test_a_spool_that_takes_nothing_is_e180(site, directory):
    site.BT_SECURITY_HISTORY_SPOOL_DIR = directory
    (error,) = check_spool()
    assert (error.id, error.level) == ("bt_security.E180", ERROR)
    assert directory in error.msg


def test_a_malformed_spool_is_left_to_e001(site):
    site.BT_SECURITY_HISTORY_SPOOL_DIR = 7
    assert check_spool() == []


def test_sessions_that_cannot_be_named_are_w180(site):
    site.SESSION_ENGINE = DJANGOS_ENGINE
    (warning,) = check_sessions()
    assert (warning.id, warning.level) == ("bt_security.W180", WARNING)
    assert DJANGOS_ENGINE in warning.msg


def test_accounts_without_an_address_are_w181(site, monkeypatch):
    monkeypatch.setattr(Account, "EMAIL_FIELD", "mailbox")
    (warning,) = check_addresses()
    assert (warning.id, warning.level) == ("bt_security.W181", WARNING)
    assert "testapp.Account has no field 'mailbox'" in warning.msg


@pytest.mark.parametrize("value", [False, "maybe"])
def test_without_mails_nobody_needs_an_address(site, monkeypatch, value):
    monkeypatch.setattr(Account, "EMAIL_FIELD", "mailbox")
    site.BT_SECURITY_HISTORY_MAIL_NEW_DEVICE = value
    site.BT_SECURITY_HISTORY_MAIL_FACTOR_FAILED = False
    assert check_addresses() == []


@pytest.mark.parametrize("features", [["accounts"], ["history"]])
@pytest.mark.parametrize(
    ("change", "said"),
    [({"APP_DIRS": False}, "No engine"), ({"OPTIONS": {}}, "context_processors.request is not")],
)
def test_pages_that_cannot_be_shown_are_e181(site, features, change, said):
    site.BT_SECURITY_FEATURES = features
    site.TEMPLATES = [{**site.TEMPLATES[0], **change}]
    (error,) = check_templates()
    assert (error.id, error.level) == ("bt_security.E181", ERROR)
    assert said in error.msg


@pytest.mark.parametrize("name", ["LOGIN_URL", "LOGIN_REDIRECT_URL"])
@pytest.mark.parametrize("target", ["/accounts/login/", "no-such-name", "/welcome/to/nothing"])
def test_a_log_in_that_leads_nowhere_is_w182(site, name, target):
    setattr(site, name, target)
    (warning,) = check_ways()
    assert (warning.id, warning.level) == ("bt_security.W182", WARNING)
    assert warning.msg.startswith(f"{name} is {target!r}")


@pytest.mark.parametrize(
    "target", ["/page?next=/", "https://id.example/", "//id.example/x", "bt_security:password"]
)
def test_a_page_of_this_site_or_of_another_passes(site, target):
    site.LOGIN_URL = target
    assert check_ways() == []


def test_a_site_below_a_prefix_is_judged_without_it(site):
    set_script_prefix("/bills/")
    try:
        assert check_ways() == []
    finally:
        set_script_prefix("/")


def test_they_are_registered():
    assert check_templates in registry.registered_checks
    assert set(DEPLOY) <= set(registry.deployment_checks)
