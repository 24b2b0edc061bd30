"""Telling why a log-in loops: Secure cookies on plain HTTP, and a proxy nobody trusts."""

from __future__ import annotations

import pytest

from bt_security.web.cookies import could_not_be_stored, trouble

pytestmark = pytest.mark.once


@pytest.fixture
def secure_site(site):
    site.SESSION_COOKIE_SECURE = True
    return site


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_secure_cookie_on_plain_http_could_not_be_stored(secure_site, rf, method):
    assert could_not_be_stored(getattr(rf, method)("/"))


@pytest.mark.parametrize("name", ["__Host-bt_session", "__Secure-bt_session"])
def test_a_name_that_needs_https_counts_as_secure(site, rf, name):
    site.SESSION_COOKIE_NAME = name
    assert trouble(rf.get("/")) == "plain http"


def test_a_secure_csrf_cookie_alone_is_trouble(site, rf):
    site.CSRF_COOKIE_SECURE = True
    assert could_not_be_stored(rf.post("/"))
    site.CSRF_USE_SESSIONS = True
    assert not could_not_be_stored(rf.post("/"))


def test_cookies_that_are_not_secure_are_no_trouble(site, rf):
    assert trouble(rf.post("/")) == ""


def test_https_is_no_trouble(secure_site, rf):
    assert trouble(rf.post("/", secure=True)) == ""


def test_a_cookie_that_came_back_is_no_trouble(secure_site, rf):
    rf.cookies["bt_session"] = "something"
    assert trouble(rf.post("/")) == ""


@pytest.mark.parametrize(
    "host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "[::1]", "a.localhost", "LOCALHOST"]
)
def test_a_first_visit_to_this_machine_is_no_trouble_yet(secure_site, rf, host):
    assert not could_not_be_stored(rf.get("/", headers={"Host": host}))
    assert could_not_be_stored(rf.post("/", headers={"Host": host}))


@pytest.mark.parametrize("trust", [None, 0, ["192.0.2.1"]])
def test_a_proxy_that_nobody_trusts_is_named(visitor, secure_site, trust):
    if trust is not None:
        secure_site.BT_SECURITY_NET_TRUST_PROXY = trust
    page = visitor.get("/log-in", headers={"X-Forwarded-Proto": "https"})
    assert b"TRUST_PROXY" in page.content
    assert b"plain http" not in page.content


def test_the_log_in_page_explains_a_loop(visitor, secure_site):
    """A log-in page that came by plain http says why the browser drops the Secure cookies."""
    page = visitor.get("/log-in").content.decode()
    assert 'role="alert"' in page
    assert "COOKIE_SECURE=false" in page


def test_the_log_in_page_is_silent_without_trouble(visitor, secure_site):
    assert b"alert" not in visitor.get("/log-in", secure=True).content
