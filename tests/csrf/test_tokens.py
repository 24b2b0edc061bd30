"""The token, its cookie and its headers."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.test import Client

from bt_security.testing import CsrfClient

pytestmark = [pytest.mark.once, pytest.mark.django_db]

PLACE = "/security/api/auth/csrf-token"


@pytest.fixture
def accounts(db):
    create = get_user_model().objects.create_user
    return [create("one@example.com"), create("two@example.com")]


def logged_in(client, name="one@example.com"):
    assert client.post("/log-in", {"name": name}).status_code == 200
    return client


@pytest.mark.feature("BT-06")
def test_the_token_is_fetched_as_json(visitor):
    """`GET api/auth/csrf-token` answers a token that belongs to the cookie, not to be stored."""
    response = visitor.get(PLACE)
    assert response["Cache-Control"] == "no-store"
    assert response.json().keys() == {"csrf_token"}
    assert response.cookies["bt_csrf_token"].value
    token = response.json()["csrf_token"]
    assert visitor.post("/change", headers={"X-CSRF-Token": token}).status_code == 200


def test_the_cookie_stays_the_same_while_tokens_differ(visitor):
    first = visitor.get(PLACE)
    value = visitor.cookies["bt_csrf_token"].value
    assert visitor.get(PLACE).json() != first.json()
    assert visitor.cookies["bt_csrf_token"].value == value


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_the_token_is_fetched_by_get_only(program, method):
    assert getattr(program, method)(PLACE).status_code == 405


@pytest.mark.feature("TC-14")
@pytest.mark.parametrize("name", ["X-CSRF-Token", "x-csrf-token", "X-CSRFToken", "x-csrftoken"])
def test_both_spellings_of_the_header_count(visitor, name):
    """The token passes as `X-CSRF-Token` and as Django's `X-CSRFToken`, in any case."""
    token = visitor.get(PLACE).json()["csrf_token"]
    assert visitor.post("/change", headers={name: token}).status_code == 200


def test_djangos_header_goes_first(visitor):
    token = visitor.get(PLACE).json()["csrf_token"]
    headers = {"X-CSRF-Token": token, "X-CSRFToken": "wrong"}
    assert visitor.post("/change", headers=headers).status_code == 403


def test_the_header_counts_under_another_configured_name(visitor, site):
    site.CSRF_HEADER_NAME = "HTTP_X_XSRF_TOKEN"
    token = visitor.get(PLACE).json()["csrf_token"]
    assert visitor.post("/change", headers={"X-CSRF-Token": token}).status_code == 200


def test_the_header_is_not_read_while_the_feature_is_off(visitor, site):
    token = visitor.get(PLACE).json()["csrf_token"]
    site.BT_SECURITY_FEATURES = []
    assert visitor.post("/change", headers={"X-CSRF-Token": token}).status_code == 403


@pytest.mark.feature("BT-02")
def test_the_cookie_has_the_configured_name(visitor, site):
    """A cookie name from the settings is the only one that is sent and accepted."""
    site.CSRF_COOKIE_NAME = "x_csrf"
    token = visitor.get(PLACE).json()["csrf_token"]
    assert set(visitor.cookies) == {"x_csrf"}
    assert visitor.post("/change", headers={"X-CSRF-Token": token}).status_code == 200
    visitor.cookies["bt_csrf_token"] = visitor.cookies.pop("x_csrf").value
    assert visitor.post("/change", headers={"X-CSRF-Token": token}).status_code == 403


@pytest.mark.feature("BT-03")
@pytest.mark.parametrize("asked", [True, False])
def test_scripts_may_read_the_cookie_only_when_asked_for(visitor, site, asked):
    """The CSRF cookie is HttpOnly unless the site switches that off."""
    site.CSRF_COOKIE_HTTPONLY = asked
    cookie = visitor.get(PLACE).cookies["bt_csrf_token"]
    assert bool(cookie["httponly"]) is asked


@pytest.mark.feature("BT-04")
@pytest.mark.parametrize("value", ["Strict", "Lax"])
def test_the_cookie_keeps_away_from_other_sites(visitor, site, value):
    """`SameSite` of the CSRF cookie is the setting's; `None` without Secure is a check error."""
    site.CSRF_COOKIE_SAMESITE = value
    assert visitor.get(PLACE).cookies["bt_csrf_token"]["samesite"] == value
    site.CSRF_COOKIE_SAMESITE = "None"
    site.CSRF_COOKIE_SECURE = False
    assert "bt_security.E112" in [message.id for message in run_checks(tags=["security"])]


@pytest.mark.feature("BT-05")
@pytest.mark.parametrize("asked", [True, False])
def test_the_cookie_is_secure_as_configured(visitor, site, asked):
    """The CSRF cookie is Secure as the setting says, and `check --deploy` warns where it is not."""
    site.CSRF_COOKIE_SECURE = asked
    assert bool(visitor.get(PLACE).cookies["bt_csrf_token"]["secure"]) is asked
    found = run_checks(tags=["security"], include_deployment_checks=True)
    assert ("security.W016" in [message.id for message in found]) is not asked


@pytest.mark.feature("BT-09")
def test_a_client_that_reads_the_cookie_can_post(visitor, site):
    """With HttpOnly off, a client that sends the value of the cookie in the header passes."""
    site.CSRF_COOKIE_HTTPONLY = False
    cookie = visitor.get("/form").cookies["bt_csrf_token"]
    assert not cookie["httponly"]
    assert visitor.post("/change", headers={"X-CSRFToken": cookie.value}).status_code == 200


@pytest.mark.feature("BD-19")
def test_a_log_in_sets_a_pair_of_cookies(site, program, accounts):
    """A log-in sets the session cookie, which scripts cannot read, and the CSRF cookie anew."""
    site.CSRF_COOKIE_HTTPONLY = False
    response = program.post("/log-in", {"name": "one@example.com"})
    assert response.cookies["sessionid"]["httponly"]
    assert not response.cookies["bt_csrf_token"]["httponly"]
    assert response.cookies["bt_csrf_token"].value


@pytest.mark.feature("BD-25")
def test_a_session_from_before_has_to_fetch_a_token(site, accounts):
    """A session that holds no token, from before tokens were bound to sessions, is refused."""
    client = logged_in(CsrfClient(enforce_csrf_checks=False))
    site.CSRF_USE_SESSIONS = True
    strict = CsrfClient()
    strict.cookies["sessionid"] = client.cookies["sessionid"].value
    headers = {"X-CSRF-Token": client.cookies["bt_csrf_token"].value}
    assert Client.generic(strict, "POST", "/change", headers=headers).status_code == 403
    assert strict.post("/change").status_code == 200


@pytest.mark.feature("TC-15")
@pytest.mark.feature("BD-21")
def test_a_token_of_another_session_is_refused(site, accounts):
    """With the token in the session, that of session A is refused in session B."""
    site.CSRF_USE_SESSIONS = True
    first, second = logged_in(CsrfClient()), logged_in(CsrfClient(), "two@example.com")
    token = first.get(PLACE).json()["csrf_token"]
    assert first.post("/change", headers={"X-CSRF-Token": token}).status_code == 200
    assert second.post("/change", headers={"X-CSRF-Token": token}).status_code == 403


def test_a_planted_cookie_does_not_replace_the_token_of_the_session(site, accounts):
    site.CSRF_USE_SESSIONS = True
    client = logged_in(CsrfClient())
    client.cookies["bt_csrf_token"] = "a" * 32
    assert client.post("/change", headers={"X-CSRF-Token": "a" * 32}).status_code == 403


def test_the_token_in_the_session_needs_no_cookie_of_its_own(site, program):
    site.CSRF_USE_SESSIONS = True
    assert program.post("/change").status_code == 200
    assert set(program.cookies) == {"sessionid"}


def values(client):
    return {name: client.cookies[name].value for name in ("sessionid", "bt_csrf_token")}


@pytest.mark.feature("BD-24")
@pytest.mark.parametrize("name", ["bt_csrf_token", "__Host-bt_csrf_token"])
def test_no_cookie_is_left_after_the_log_out(site, accounts, name):
    """A log-out deletes the session and the CSRF cookie; a change of account replaces both."""
    site.CSRF_COOKIE_NAME = name
    site.CSRF_COOKIE_SECURE = name.startswith("__Host-")
    client = logged_in(CsrfClient())
    response = client.post("/log-out")
    for gone in ("sessionid", name):
        cookie = response.cookies[gone]
        assert (cookie.value, cookie["max-age"], cookie["path"]) == ("", 0, "/")
        assert bool(cookie["secure"]) is gone.startswith("__Host-")


def test_another_account_has_both_cookies_anew(site, accounts):
    client = logged_in(CsrfClient())
    before = values(client)
    after = values(logged_in(client, "two@example.com"))
    assert all(before[name] != after[name] for name in before)


def test_a_form_after_the_log_out_keeps_its_new_cookie(site, accounts):
    client = logged_in(CsrfClient())
    assert client.post("/log-out-to-form").cookies["bt_csrf_token"].value


def test_a_session_that_was_gone_before_leaves_the_csrf_cookie_alone(site, accounts):
    client = logged_in(CsrfClient())
    client.cookies["sessionid"] = "x" * 32
    response = client.get("/change")
    assert "bt_csrf_token" not in response.cookies


def test_a_log_out_without_a_csrf_cookie_deletes_none(site, accounts):
    client = logged_in(CsrfClient())
    client.cookies.pop("bt_csrf_token")
    assert "bt_csrf_token" not in client.get("/log-out").cookies


def test_a_log_out_with_the_token_in_the_session_deletes_that_cookie_only(site, accounts):
    site.CSRF_USE_SESSIONS = True
    client = logged_in(CsrfClient())
    assert set(client.post("/log-out").cookies) == {"sessionid"}
