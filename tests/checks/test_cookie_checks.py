"""Checks of the two cookies."""

from __future__ import annotations

import pytest
from django.core.checks import ERROR, WARNING

from bt_security.checks.cookies import (
    check_host_names,
    check_names_still_old,
    check_old_names,
    check_secure_on_plain_address,
    check_session_from_other_sites,
)

pytestmark = pytest.mark.once


@pytest.mark.feature("BT-04")
@pytest.mark.parametrize("same_site", ["None", "none"])
def test_same_site_none_without_secure_is_e070(settings, same_site):
    """`SameSite=None` without Secure is a check error."""
    settings.BT_SECURITY_FEATURES = ["sessions"]
    settings.SESSION_COOKIE_SAMESITE = same_site
    (error,) = check_session_from_other_sites()
    assert (error.id, error.level) == ("bt_security.E070", ERROR)


@pytest.mark.parametrize(
    ("features", "same_site", "secure"),
    [
        (["sessions"], "None", True),
        (["sessions"], "Lax", False),
        (["sessions"], None, False),
        (["sessions", "csrf"], "None", False),
        ([], "None", False),
        (["unknown"], "None", False),
    ],
)
def test_what_browsers_take_passes(settings, features, same_site, secure):
    settings.BT_SECURITY_FEATURES = features
    settings.SESSION_COOKIE_SAMESITE = same_site
    settings.SESSION_COOKIE_SECURE = secure
    assert check_session_from_other_sites() == []


@pytest.mark.parametrize("kind", ["SESSION", "CSRF"])
@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("__Host-x", {"SECURE": False}, "_COOKIE_SECURE is off"),
        ("__Secure-x", {"SECURE": False}, "_COOKIE_SECURE is off"),
        ("__Host-x", {"DOMAIN": ".example.com"}, "_COOKIE_DOMAIN is set"),
        ("__Host-x", {"PATH": "/bills"}, "_COOKIE_PATH is not /"),
    ],
)
def test_a_name_whose_attributes_browsers_refuse_is_e072(settings, kind, name, change, said):
    for part, value in {"NAME": name, "SECURE": True, **change}.items():
        setattr(settings, f"{kind}_COOKIE_{part}", value)
    (error,) = check_host_names()
    assert (error.id, error.level) == ("bt_security.E072", ERROR)
    assert kind + said in error.msg


@pytest.mark.parametrize("name", ["bt_session", "__Host-bt_session", "__Secure-bt_session"])
def test_a_name_that_fits_passes(settings, name):
    settings.SESSION_COOKIE_NAME = name
    settings.SESSION_COOKIE_SECURE = True
    assert check_host_names() == []


@pytest.mark.parametrize(
    ("old_names", "said"),
    [
        ({"sessionid": ["bt_session"]}, "'sessionid' is no cookie"),
        ({"session": ["sessionid"]}, "'sessionid' is the name of today"),
        ({"session": ["old"], "csrf": ["old"]}, "'old' stands there twice"),
    ],
)
def test_old_names_that_cannot_work_are_e073(settings, old_names, said):
    settings.BT_SECURITY_COOKIES_OLD_NAMES = old_names
    (error,) = check_old_names()
    assert (error.id, error.level) == ("bt_security.E073", ERROR)
    assert said in error.msg


def test_old_names_that_work_pass_until_deployment(settings):
    settings.BT_SECURITY_COOKIES_OLD_NAMES = {"session": ["old", "older"], "csrf": ["token"]}
    assert check_old_names() == []
    (warning,) = check_names_still_old()
    assert (warning.id, warning.level) == ("bt_security.W075", WARNING)


def test_no_old_names_pass(settings):
    assert [*check_old_names(), *check_names_still_old()] == []
    settings.BT_SECURITY_COOKIES_OLD_NAMES = "sessionid"
    assert [*check_old_names(), *check_names_still_old()] == []


@pytest.mark.parametrize("kind", ["SESSION", "CSRF"])
def test_a_secure_cookie_of_a_plain_address_is_w070(settings, kind):
    settings.BT_SECURITY_SITE_BASE_URL = "http://bills.example"
    setattr(settings, f"{kind}_COOKIE_SECURE", True)
    (warning,) = check_secure_on_plain_address()
    assert (warning.id, warning.level) == ("bt_security.W070", WARNING)
    assert f"{kind}_COOKIE_SECURE" in warning.msg


@pytest.mark.parametrize(
    ("base_url", "secure"),
    [("https://bills.example", True), ("", True), ("http://bills.example", False), (7, True)],
)
def test_cookies_that_fit_the_address_pass(settings, base_url, secure):
    settings.BT_SECURITY_SITE_BASE_URL = base_url
    settings.SESSION_COOKIE_SECURE = secure
    assert check_secure_on_plain_address() == []
