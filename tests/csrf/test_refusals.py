"""Requests that are refused, and what the client is told."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.middleware import csrf as django_csrf

from bt_security.csrf import failure
from bt_security.csrf.refusal import reason_code

pytestmark = [pytest.mark.once, pytest.mark.django_db]

PLACE = "/security/api/auth/csrf-token"
JSON = {"Accept": "application/json"}
MISSING, MISMATCH = {}, {"X-CSRF-Token": "x" * 32}


def with_cookie(client):
    """Fetch the cookie only, and return the token that belongs to it."""
    return client.get(PLACE).json()["csrf_token"]


@pytest.mark.feature("BT-07")
@pytest.mark.feature("BD-18")
@pytest.mark.feature("BD-20")
@pytest.mark.parametrize("headers", [MISSING, MISMATCH], ids=["missing", "mismatch"])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_change_without_the_right_token_is_refused(visitor, method, headers):
    """POST, PUT, PATCH and DELETE with a missing or wrong token are answered by 403."""
    with_cookie(visitor)
    response = getattr(visitor, method)("/change", headers={**JSON, **headers})
    assert response.status_code == 403
    assert response.json()["code"] == "CSRF_FAILED"


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_a_request_that_changes_nothing_passes(visitor, method):
    assert getattr(visitor, method)("/change").status_code == 200


@pytest.mark.feature("BT-01")
@pytest.mark.parametrize("place", [0, 31, 63])
def test_one_changed_character_is_refused(visitor, place):
    """A token passes with its cookie, and is refused without it or with a character changed."""
    token = with_cookie(visitor)
    wrong = "b" if token[place] == "a" else "a"
    changed = token[:place] + wrong + token[place + 1 :]
    assert visitor.post("/change", headers={"X-CSRF-Token": changed}).status_code == 403
    assert visitor.post("/change", headers={"X-CSRF-Token": token}).status_code == 200
    visitor.cookies.clear()
    assert visitor.post("/change", headers={"X-CSRF-Token": token}).status_code == 403


def test_the_value_of_the_cookie_is_a_token_too(visitor):
    with_cookie(visitor)
    value = visitor.cookies["bt_csrf_token"].value
    assert visitor.post("/change", headers={"X-CSRF-Token": value}).status_code == 200


def test_another_browsers_token_is_refused(visitor, program):
    stolen = with_cookie(program)
    with_cookie(visitor)
    assert visitor.post("/change", headers={"X-CSRF-Token": stolen}).status_code == 403


@pytest.mark.feature("BT-08")
def test_a_log_in_needs_a_token_too(visitor):
    """A log-in without a token is refused, unless the site exempts that view in its URLs."""
    get_user_model().objects.create_user("one@example.com")
    assert visitor.post("/log-in", {"name": "one@example.com"}).status_code == 403
    assert visitor.post("/log-in-without", {"name": "one@example.com"}).status_code == 200


def test_an_async_view_is_protected(visitor):
    assert visitor.post("/change-async").status_code == 403


@pytest.mark.parametrize(
    ("sentence", "code"),
    [
        (django_csrf.REASON_NO_CSRF_COOKIE, "COOKIE_MISSING"),
        ("CSRF cookie has incorrect length.", "COOKIE_MALFORMED"),
        (django_csrf.REASON_CSRF_TOKEN_MISSING, "TOKEN_MISSING"),
        ("CSRF token from POST has incorrect length.", "TOKEN_MALFORMED"),
        ("CSRF token from POST has invalid characters.", "TOKEN_MALFORMED"),
        ("CSRF token from POST incorrect.", "TOKEN_INCORRECT"),
        ("CSRF token from the 'X-Csrftoken' HTTP header incorrect.", "TOKEN_INCORRECT"),
        (django_csrf.REASON_BAD_ORIGIN % "https://evil.example", "ORIGIN_UNTRUSTED"),
        (django_csrf.REASON_BAD_REFERER % "https://evil.example/", "REFERER_UNTRUSTED"),
        (django_csrf.REASON_NO_REFERER, "REFERER_MISSING"),
        (django_csrf.REASON_MALFORMED_REFERER, "REFERER_MALFORMED"),
        (django_csrf.REASON_INSECURE_REFERER, "REFERER_INSECURE"),
    ],
)
def test_every_reason_has_a_stable_code(sentence, code):
    assert reason_code(sentence) == code


def test_the_reason_is_in_a_header(visitor):
    with_cookie(visitor)
    cases = {"TOKEN_MISSING": {}, "TOKEN_INCORRECT": MISMATCH}
    cases["TOKEN_MALFORMED"] = {"X-CSRF-Token": "short"}
    cases["ORIGIN_UNTRUSTED"] = {"Origin": "https://evil.example"}
    answers = {why: visitor.post("/change", headers=headers) for why, headers in cases.items()}
    assert {why: answer["X-CSRF-Failed"] for why, answer in answers.items()} == {
        why: why for why in cases
    }


def test_a_browser_gets_a_page(visitor):
    response = visitor.post("/change", headers={"Accept": "text/html"})
    assert response.status_code == 403
    assert response["Content-Type"].startswith("text/html")
    assert response["Cache-Control"] == "no-store"
    assert "Your browser sent no cookie" in response.content.decode()
    assert b"<style" not in response.content


def test_a_program_gets_json_that_nobody_stores(visitor):
    response = visitor.post("/change", headers=JSON)
    assert response.json().keys() == {"code", "message"}
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["CSRF_COOKIE_SECURE", "SESSION_COOKIE_SECURE"])
def test_a_cookie_that_plain_http_cannot_store_is_explained(visitor, site, name):
    setattr(site, name, True)
    response = visitor.post("/change", headers=JSON)
    assert response.json()["code"] == "COOKIE_NOT_STORED"
    assert "https" in response.json()["message"]


@pytest.mark.parametrize("secure", [True, False])
def test_a_missing_cookie_that_could_be_stored_is_an_ordinary_refusal(visitor, site, secure):
    site.CSRF_COOKIE_SECURE = site.SESSION_COOKIE_SECURE = secure
    headers = {**JSON, "Referer": "https://testserver/"}
    response = visitor.post("/change", headers=headers, secure=secure)
    assert response.json()["code"] == "CSRF_FAILED"


def test_a_refusal_is_reported_once(visitor, events):
    visitor.post("/secret/s3cr3t/?q=s3cr3t", headers=MISMATCH)
    (event,) = events
    assert (event["action"], event["outcome"]) == ("csrf.refused", "refused")
    assert event["details"] == {"reason": "COOKIE_MISSING", "route": "secret/<str:token>/"}


def test_a_refusal_before_the_url_is_known_names_no_route(rf, events):
    assert failure(rf.post("/change"), "CSRF token missing.").status_code == 403
    assert events[0]["details"]["route"] == ""


@pytest.mark.parametrize("reason", ["CSRF token missing.", "Origin checking failed - x"])
def test_the_page_says_what_to_do(rf, reason):
    page = failure(rf.post("/change"), reason).content.decode()
    assert ("Load it again" in page) is (reason == "CSRF token missing.")


@pytest.mark.parametrize("debug", [True, False])
def test_the_page_has_djangos_sentence_in_development_only(rf, settings, debug):
    settings.DEBUG = debug
    page = failure(rf.post("/change"), "Origin checking failed - <b>.").content.decode()
    assert ("Origin checking failed - &lt;b&gt;." in page) is debug
