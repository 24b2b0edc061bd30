"""Attributes of the two cookies on the way out."""

from __future__ import annotations

import logging

import pytest

from bt_security.presets.cookies import cookie_settings
from bt_security.presets.environment import read_environment

pytestmark = pytest.mark.once

NAMES = ("bt_session", "bt_csrf_token")


@pytest.mark.feature("BT-10")
@pytest.mark.feature("TC-09")
@pytest.mark.feature("BD-11")
@pytest.mark.parametrize("debug", [False, True])
def test_the_session_cookie_is_http_only_whatever_the_setting_says(visitor, site, debug):
    """The session cookie is HttpOnly, in development too, and no setting changes that."""
    site.DEBUG = debug
    site.SESSION_COOKIE_HTTPONLY = False
    assert visitor.get("/start").cookies["bt_session"]["httponly"] is True


@pytest.mark.feature("BT-03")
@pytest.mark.parametrize("http_only", [True, False])
def test_scripts_read_the_csrf_cookie_as_the_setting_says(visitor, site, http_only):
    """The CSRF cookie is HttpOnly unless the site says that scripts may read it."""
    site.CSRF_COOKIE_HTTPONLY = http_only
    assert bool(visitor.get("/start").cookies["bt_csrf_token"]["httponly"]) is http_only


WORDS = {"true": True, "false": False, "": None}


@pytest.mark.feature("BT-12")
@pytest.mark.parametrize("is_secure_request", [True, False])
@pytest.mark.parametrize("https", WORDS)
@pytest.mark.parametrize("cookie_secure", WORDS)
def test_both_cookies_follow_one_rule(visitor, site, cookie_secure, https, is_secure_request):
    """Both cookies are Secure by `COOKIE_SECURE`, else `HTTPS`, else the request's scheme."""
    given = {"COOKIE_SECURE": cookie_secure, "HTTPS": https}
    environment = read_environment({name: text for name, text in given.items() if text})
    found = cookie_settings(environment)
    for name, value in found.items():
        setattr(site, name, value)
    decided = [WORDS[cookie_secure], WORDS[https], is_secure_request]
    expected = next(word for word in decided if word is not None)
    sent = visitor.get("/start", secure=is_secure_request).cookies
    for name in ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME"):
        assert bool(sent[found[name]]["secure"]) is expected


@pytest.mark.feature("BT-13")
def test_behind_a_trusted_proxy_both_cookies_are_secure(visitor, site):
    """Behind a trusted proxy that speaks https, both cookies are Secure."""
    site.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    site.BT_SECURITY_NET_TRUST_PROXY = 1
    sent = visitor.get("/start", headers={"X-Forwarded-Proto": "https"}).cookies
    assert [sent[name]["secure"] for name in NAMES] == [True, True]


def test_a_site_may_leave_a_cookie_to_its_setting(visitor, site):
    site.BT_SECURITY_COOKIES_SECURE_BY_REQUEST = ["session"]
    sent = visitor.get("/start", secure=True).cookies
    assert [bool(sent[name]["secure"]) for name in NAMES] == [True, False]


def test_a_name_of_the_host_gets_what_it_needs(visitor, site):
    site.SESSION_COOKIE_NAME = "__Host-bt_session"
    site.SESSION_COOKIE_DOMAIN = ".example.com"
    site.SESSION_COOKIE_PATH = "/bills"
    cookie = visitor.get("/start").cookies["__Host-bt_session"]
    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")


@pytest.mark.parametrize("features", [[], ["sessions"], ["csrf"]])
def test_a_cookie_is_left_alone_while_its_feature_is_off(visitor, site, features):
    site.BT_SECURITY_FEATURES = features
    sent = visitor.get("/start", secure=True).cookies
    secure = [bool(sent[name]["secure"]) for name in NAMES]
    assert secure == ["sessions" in features, "csrf" in features]


@pytest.mark.feature("TC-10")
@pytest.mark.feature("BT-11")
@pytest.mark.parametrize("same_site", ["Strict", "Lax"])
def test_same_site_is_what_the_setting_says(visitor, site, same_site):
    """The session cookie is SameSite=Strict in the preset, or Lax where a site chooses it."""
    site.SESSION_COOKIE_SAMESITE = same_site
    assert visitor.get("/start").cookies["bt_session"]["samesite"] == same_site


@pytest.mark.feature("TC-11")
def test_the_path_is_the_root(visitor):
    """The session cookie has the path `/`."""
    assert visitor.get("/start").cookies["bt_session"]["path"] == "/"


@pytest.mark.feature("TK-28")
def test_a_bearer_token_is_no_session(visitor):
    """A session key counts as a cookie only, never as a Bearer token."""
    key = visitor.get("/start").cookies["bt_session"].value
    visitor.cookies.clear()
    assert visitor.get("/look", headers={"Authorization": f"Bearer {key}"}).content == b""


@pytest.mark.feature("BT-02")
def test_one_name_is_read(visitor, site):
    """The CSRF cookie is accepted under its one name only."""
    site.CSRF_COOKIE_NAME = "x_csrf"
    visitor.handler.enforce_csrf_checks = True
    token = visitor.get("/start").cookies["x_csrf"].value
    data = {"csrfmiddlewaretoken": token}
    assert visitor.post("/look", data).status_code == 200
    visitor.cookies["bt_csrf_token"] = visitor.cookies.pop("x_csrf").value
    assert visitor.post("/look", data).status_code == 403


def test_a_dropped_cookie_is_a_line_in_the_log_once(visitor, site, caplog):
    site.SESSION_COOKIE_SECURE = True
    for _ in range(3):
        visitor.cookies.clear()
        visitor.get("/start")
    (record,) = [each for each in caplog.records if each.name == "bt_security.cookies"]
    assert record.levelno == logging.WARNING
    for name in ("SESSION_COOKIE_SECURE", "COOKIE_SECURE=false", "TRUST_PROXY"):
        assert name in record.getMessage()


def test_no_line_speaks_of_a_cookie_that_can_be_stored(visitor, site, caplog):
    site.SESSION_COOKIE_SECURE = True
    visitor.get("/start", secure=True)
    visitor.get("/start", headers={"Host": "localhost:8000"})
    assert caplog.records == []
