"""`check --deploy` lists what the strict preset would change."""

from __future__ import annotations

import pytest
from django.core.checks import WARNING
from django.core.checks.registry import registry

from bt_security.deployment import CONSEQUENCES, DJANGO_REPORTS, check_strict, register
from bt_security.deployment.strict_difference import OPERATORS
from bt_security.presets import adopt, strict

pytestmark = pytest.mark.once


@pytest.fixture
def site(settings):
    """The test site with the settings of a preset."""

    def take(preset, **overrides):
        lists = {"MIDDLEWARE": settings.MIDDLEWARE, "INSTALLED_APPS": settings.INSTALLED_APPS}
        for name, value in preset(**lists, environ={}, **overrides).items():
            setattr(settings, name, value)
        return settings

    return take


def listed():
    return {
        line.strip().partition(":")[0]
        for message in check_strict()
        for line in message.msg.splitlines()[1:]
    }


def test_a_site_without_features_hears_nothing():
    assert check_strict() == []


def test_a_strict_site_hears_nothing(site):
    site(strict)
    assert check_strict() == []


def test_an_adopted_site_hears_what_is_left(site):
    site(adopt)
    (warning,) = check_strict()
    assert (warning.id, warning.level) == ("bt_security.W079", WARNING)
    assert {"SESSION_ENGINE", "SESSION_COOKIE_SAMESITE", "CONTENT_SECURITY_POLICY"} <= listed()
    assert not listed() & (DJANGO_REPORTS | OPERATORS)
    assert f"SESSION_ENGINE: {CONSEQUENCES['SESSION_ENGINE']}" in warning.msg


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X_FRAME_OPTIONS", "DENY"),
        ("SESSION_COOKIE_AGE", 3_600),
        ("SESSION_ENGINE", "bt_security.sessions.cache"),
        ("BT_SECURITY_SESSIONS_IDLE_SECONDS", 600),
        ("PASSWORD_HASHERS", ["django.contrib.auth.hashers.Argon2PasswordHasher"]),
        ("SECURE_REFERRER_POLICY", "no-referrer"),
        ("CONTENT_SECURITY_POLICY", {"DIRECTIVES": {"default-src": ["'none'"]}}),
        ("SESSION_COOKIE_NAME", "a_name_of_the_site"),
    ],
)
def test_what_is_as_good_is_not_listed(site, name, value):
    site(strict, **{name: value})
    assert listed() == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BT_SECURITY_FEATURES", ["headers"]),
        ("MIDDLEWARE", ["django.middleware.common.CommonMiddleware"]),
        ("AUTHENTICATION_BACKENDS", ["django.contrib.auth.backends.ModelBackend"]),
        ("PASSWORD_HASHERS", ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]),
        ("AUTH_PASSWORD_VALIDATORS", []),
        ("SESSION_ENGINE", "django.contrib.sessions.backends.db"),
        ("SESSION_COOKIE_AGE", 1_209_600),
        ("BT_SECURITY_SESSIONS_IDLE_SECONDS", 0),
        ("SESSION_COOKIE_SAMESITE", "Lax"),
        ("SESSION_COOKIE_DOMAIN", ".example.com"),
        ("CSRF_COOKIE_HTTPONLY", False),
        ("BT_SECURITY_COOKIES_SECURE_BY_REQUEST", []),
        ("X_FRAME_OPTIONS", "ALLOWALL"),
        ("SECURE_REFERRER_POLICY", None),
        ("CONTENT_SECURITY_POLICY", None),
        ("CSRF_FAILURE_VIEW", "django.views.csrf.csrf_failure"),
    ],
)
def test_what_is_weaker_is_listed(site, settings, name, value):
    site(strict)
    setattr(settings, name, value)
    assert listed() == {name}


def test_a_secure_cookie_is_asked_for_the_name_that_binds_it(site):
    site(strict, SESSION_COOKIE_SECURE=True)
    assert listed() >= {"SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME"}


def test_an_unknown_feature_is_left_to_e002(settings):
    settings.BT_SECURITY_FEATURES = ["session"]
    assert check_strict() == []


def test_every_setting_has_its_consequence():
    names = strict(MIDDLEWARE=[], INSTALLED_APPS=[], environ={}).keys()
    assert names - CONSEQUENCES.keys() - DJANGO_REPORTS - OPERATORS == set()


def test_it_is_a_check_for_deployment():
    register()
    assert check_strict in registry.get_checks(include_deployment_checks=True)
    assert check_strict not in registry.get_checks()
