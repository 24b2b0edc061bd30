"""Checks of what impersonation needs."""

from __future__ import annotations

import pytest
from django.core.checks import ERROR, run_checks

from bt_security.checks.impersonation import check_engine
from bt_security.checks.middleware import check_middleware_is_there
from tests.accounts.impersonation_site import MIDDLEWARE

pytestmark = pytest.mark.once

DJANGOS_ENGINE = "django.contrib.sessions.backends.db"


@pytest.fixture
def site(settings):
    settings.BT_SECURITY_FEATURES = ["sessions"]
    settings.BT_SECURITY_IMPERSONATION_ENABLED = True
    settings.MIDDLEWARE = MIDDLEWARE
    return settings


@pytest.mark.parametrize("engine", ["db", "cache"])
def test_a_whole_site_has_nothing_to_say(site, engine):
    site.SESSION_ENGINE = f"bt_security.sessions.{engine}"
    assert [*check_engine(), *check_middleware_is_there()] == []


def test_another_engine_is_e094(site):
    site.SESSION_ENGINE = DJANGOS_ENGINE
    (error,) = check_engine()
    assert (error.id, error.level) == ("bt_security.E094", ERROR)


def test_without_the_middleware_it_is_e074(site):
    site.MIDDLEWARE = [name for name in MIDDLEWARE if "Account" not in name]
    (error,) = check_middleware_is_there()
    assert (error.id, "impersonation" in error.msg) == ("bt_security.E074", True)


@pytest.mark.parametrize("value", [False, "yes"])
def test_off_or_malformed_it_has_nothing_to_say(settings, value):
    settings.BT_SECURITY_IMPERSONATION_ENABLED = value
    settings.SESSION_ENGINE = DJANGOS_ENGINE
    assert check_engine() == []


@pytest.mark.django_db(databases=["default", "other"])  # Django 6.1 asks what they can
def test_the_check_is_registered(site):
    site.SESSION_ENGINE = DJANGOS_ENGINE
    assert "bt_security.E094" in {found.id for found in run_checks()}
