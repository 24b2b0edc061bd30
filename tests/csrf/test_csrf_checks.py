"""Checks of Django's CSRF settings."""

from __future__ import annotations

import pytest

from bt_security.checks.csrf import CSRF_CHECKS, CSRF_DEPLOY_CHECKS
from tests.csrf.conftest import MIDDLEWARE

pytestmark = pytest.mark.once

CHECKER = "django.middleware.csrf.CsrfViewMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
WITHOUT_CHECKER = [line for line in MIDDLEWARE if line != CHECKER]
WITHOUT_SESSIONS = [line for line in MIDDLEWARE if line != SESSIONS]


def found():
    messages = (check() for check in (*CSRF_CHECKS, *CSRF_DEPLOY_CHECKS))
    return [message.id.removeprefix("bt_security.") for some in messages for message in some]


@pytest.mark.parametrize("in_session", [True, False])
def test_a_good_site_passes(site, in_session):
    site.CSRF_USE_SESSIONS = in_session
    assert found() == []


@pytest.mark.parametrize("features", [[], ["headers"], ["no such feature"], "csrf"])
def test_nothing_is_said_while_the_feature_is_off(site, features):
    site.BT_SECURITY_FEATURES = features
    site.MIDDLEWARE = WITHOUT_CHECKER
    site.CSRF_COOKIE_SAMESITE = "None"
    site.CSRF_FAILURE_VIEW = "django.views.csrf.csrf_failure"
    site.CSRF_COOKIE_HTTPONLY = False
    assert found() == []


@pytest.mark.parametrize("more", [[], ["tests.no.such.Middleware"], ["tests.csrf.site.page"]])
def test_a_site_that_checks_nothing_is_e110(site, more):
    site.MIDDLEWARE = [*WITHOUT_CHECKER, *more]
    assert found() == ["E110"]


def test_a_middleware_of_the_sites_own_counts(site):
    own = "tests.csrf.own_middleware.LenientCsrfMiddleware"
    site.MIDDLEWARE = [own if line == CHECKER else line for line in MIDDLEWARE]
    assert found() == []


@pytest.mark.parametrize("lines", [WITHOUT_SESSIONS, [*WITHOUT_SESSIONS, SESSIONS]])
def test_a_token_in_a_session_that_comes_later_is_e111(site, lines):
    site.MIDDLEWARE = lines
    assert found() == []
    site.CSRF_USE_SESSIONS = True
    assert found() == ["E111"]


@pytest.mark.parametrize("kind", ["SESSION", "CSRF"])
@pytest.mark.parametrize("value", ["None", "none"])
def test_a_cookie_for_other_sites_that_is_not_secure_is_e112(site, kind, value):
    setattr(site, f"{kind}_COOKIE_SAMESITE", value)
    assert found() == ["E112"]
    setattr(site, f"{kind}_COOKIE_SECURE", True)
    assert found() == []


def test_djangos_own_failure_view_is_w110(site):
    site.CSRF_FAILURE_VIEW = "django.views.csrf.csrf_failure"
    assert found() == ["W110"]


def test_a_cookie_that_scripts_can_read_is_w111(site):
    site.CSRF_COOKIE_HTTPONLY = False
    assert found() == ["W111"]
    site.CSRF_USE_SESSIONS = True
    assert found() == []
