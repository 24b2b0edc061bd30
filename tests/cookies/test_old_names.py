"""Cookies that were sent under a former name."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.test import Client, RequestFactory
from django.views.debug import ExceptionReporter

from bt_security.web import cookies

pytestmark = pytest.mark.once

OLD = {"session": ["sessionid", "older_session"], "csrf": ["csrftoken"]}


@pytest.fixture
def old_browser(visitor, site):
    """A browser that logged on before the rename, and the values of its cookies."""
    site.SESSION_COOKIE_NAME, site.CSRF_COOKIE_NAME = "sessionid", "csrftoken"
    visitor.get("/start")
    site.SESSION_COOKIE_NAME, site.CSRF_COOKIE_NAME = "bt_session", "bt_csrf_token"
    site.BT_SECURITY_COOKIES_OLD_NAMES = OLD
    return visitor


def values(client):
    return {name: cookie.value for name, cookie in client.cookies.items()}


def test_an_old_name_is_not_read_without_the_setting(old_browser, site):
    del site.BT_SECURITY_COOKIES_OLD_NAMES
    assert old_browser.get("/look").content == b""


def test_a_name_that_is_not_listed_is_not_read(old_browser):
    old_browser.cookies["stranger"] = old_browser.cookies.pop("sessionid").value
    assert old_browser.get("/look").content == b""


def test_the_new_cookie_is_the_only_one_read_once_it_is_there(old_browser):
    old_browser.cookies["bt_session"] = "unknown"
    assert old_browser.get("/look").content == b""


def test_a_session_goes_on_under_the_new_name(old_browser):
    before = values(old_browser)
    response = old_browser.get("/look")
    assert response.content == b"True"
    assert values(old_browser)["bt_session"] == before["sessionid"]
    assert response.cookies["sessionid"]["max-age"] == 0


def test_error_reports_do_not_show_a_session_under_its_old_name(site):
    site.BT_SECURITY_COOKIES_OLD_NAMES = OLD
    request = RequestFactory().get("/")
    request.COOKIES = {"sessionid": "key-of-a-live-session"}
    cookies.on_request(request)
    report = ExceptionReporter(request, None, None, None).get_traceback_text()
    assert "key-of-a-live-session" not in report


@pytest.mark.parametrize("new", [{}, {"bt_session": "new"}])
def test_error_reports_show_none_of_several_old_sessions(site, new):
    site.BT_SECURITY_COOKIES_OLD_NAMES = OLD
    request = RequestFactory().get("/")
    request.COOKIES = {"sessionid": "key-one", "older_session": "key-two", **new}
    cookies.on_request(request)
    assert {"sessionid", "older_session"}.isdisjoint(request.COOKIES)
    report = ExceptionReporter(request, None, None, None).get_traceback_text()
    assert [key for key in ("key-one", "key-two") if key in report] == []


@pytest.mark.parametrize("same_site", ["Strict", "Lax"])
def test_the_new_cookie_has_all_attributes(old_browser, site, same_site):
    site.SESSION_COOKIE_SAMESITE = same_site
    site.SESSION_COOKIE_HTTPONLY = False
    site.SESSION_COOKIE_NAME = "__Host-bt_session"
    cookie = old_browser.get("/look").cookies["__Host-bt_session"]
    parts = ("path", "domain", "secure", "httponly", "samesite", "max-age")
    expected = ["/", "", True, True, same_site, site.SESSION_COOKIE_AGE]
    assert [cookie[part] for part in parts] == expected


def test_a_session_that_ends_with_the_browser_still_does(old_browser, site):
    site.SESSION_COOKIE_NAME = "sessionid"
    old_browser.get("/until-closed")
    site.SESSION_COOKIE_NAME = "bt_session"
    assert old_browser.get("/look").cookies["bt_session"]["max-age"] == ""


def test_a_page_that_asks_for_nothing_leaves_the_session_cookie_alone(old_browser):
    response = old_browser.get("/plain")
    assert not {"sessionid", "bt_session"} & response.cookies.keys()


def test_an_unknown_session_is_not_sent_again(old_browser):
    old_browser.cookies["sessionid"] = "unknown"
    response = old_browser.get("/look")
    assert response.cookies["bt_session"].value == response.cookies["sessionid"].value == ""


def test_a_log_out_removes_both(old_browser):
    response = old_browser.get("/end")
    assert response.cookies["bt_session"]["max-age"] == 0
    assert response.cookies["sessionid"]["max-age"] == 0


def test_a_form_of_before_the_rename_is_accepted(old_browser):
    old_browser.handler.enforce_csrf_checks = True
    token = old_browser.cookies["csrftoken"].value
    response = old_browser.post("/look", {"csrfmiddlewaretoken": token})
    assert response.status_code == 200
    assert response.cookies["bt_csrf_token"].value == token
    assert response.cookies["csrftoken"]["max-age"] == 0
    assert "Cookie" in response["Vary"]


def test_a_malformed_secret_is_not_sent_again(old_browser):
    old_browser.cookies["csrftoken"] = "<malformed>"
    assert old_browser.get("/look").cookies["bt_csrf_token"].value != "<malformed>"


def test_a_secret_in_the_session_has_no_cookie(old_browser, site):
    site.CSRF_USE_SESSIONS = True
    assert "bt_csrf_token" not in old_browser.get("/start").cookies


def test_the_first_of_several_old_names_counts(old_browser):
    old_browser.cookies["older_session"] = "unknown"
    assert old_browser.get("/look").content == b"True"


def test_all_old_cookies_are_deleted_with_the_first(old_browser):
    old_browser.cookies["older_session"] = "unknown"
    response = old_browser.get("/look")
    assert [response.cookies[old]["max-age"] for old in OLD["session"]] == [0, 0]


def test_a_site_without_sessions_sends_nothing(old_browser, site):
    site.MIDDLEWARE = ["bt_security.middleware.EdgeMiddleware"]
    assert not Client(headers={"Cookie": "sessionid=x; csrftoken=x"}).get("/plain").cookies


def test_the_async_chain_does_the_same(old_browser, async_client):
    for name, value in values(old_browser).items():
        async_client.cookies[name] = value
    response = async_to_sync(async_client.get)("/look")
    assert response.content == b"True"
    assert response.cookies["bt_session"].value == values(old_browser)["sessionid"]


def test_no_cookie_is_touched_without_the_setting(rf):
    request = rf.get("/")
    cookies.on_request(request)
    assert request.COOKIES == {}
