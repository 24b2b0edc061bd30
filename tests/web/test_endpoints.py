"""Who may call an endpoint, with which method, and how its answer looks."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync

from bt_security import web
from bt_security.web import admission
from tests.web import site

pytestmark = [pytest.mark.once, pytest.mark.django_db]

LOGIN_GATE = "django.contrib.auth.middleware.LoginRequiredMiddleware"
BOTH_WAYS = pytest.mark.parametrize("start", ["/api/", "/api/later/"], ids=["sync", "async"])
OWN_NAMED_ENDPOINTS = [
    *(("delete", "/api/things"), ("delete", "/api/later/things")),
    *(("post", "/api/own"), ("post", "/api/token"), ("get", "/api/token")),
]


@pytest.mark.feature("TC-12")
@pytest.mark.parametrize(("method", "path"), OWN_NAMED_ENDPOINTS)
def test_a_stranger_gets_401_and_no_redirect(client, method, path):
    """A client that is not logged in gets 401 as JSON, never a redirect to a log-in page."""
    answer = getattr(client, method)(path)
    assert (answer.status_code, answer.json()["code"]) == (401, "NOT_AUTHENTICATED")
    assert "Location" not in answer.headers
    assert answer.headers["WWW-Authenticate"].startswith("Cookie")


@pytest.mark.feature("TC-12")
@pytest.mark.parametrize(("method", "path"), OWN_NAMED_ENDPOINTS)
def test_a_site_that_redirects_strangers_does_not_redirect_them_from_the_api(
    client, settings, method, path
):
    """Where Django's middleware sends strangers to the log-in, the API still answers 401."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOGIN_GATE]
    assert getattr(client, method)(path).status_code == 401


def test_what_needs_no_login_is_open_on_a_site_that_redirects_strangers(client, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOGIN_GATE]
    assert client.get("/api/things").status_code == 200


@pytest.mark.parametrize("path", ["/api/things", "/api/later/things"])
def test_whoever_is_logged_in_comes_in(client, user, path):
    client.force_login(user)
    answer = client.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_site_without_accounts_lets_nobody_in(client, settings):
    settings.MIDDLEWARE = []
    assert client.delete("/api/things").status_code == 401


@BOTH_WAYS
def test_an_unknown_method_is_405_with_those_that_work(client, start):
    answer = client.put(f"{start}things")
    assert (answer.status_code, answer.json()["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert {"GET", "POST", "DELETE", "HEAD", "OPTIONS"} <= set(answer["Allow"].split(", "))


@BOTH_WAYS
def test_options_tells_the_methods(client, start):
    answer = client.options(f"{start}things")
    assert answer.status_code == 204
    assert "DELETE" in answer["Allow"]


def test_a_resource_without_get_knows_no_head(client):
    answer = client.head("/api/own")
    assert (answer.status_code, answer["Allow"]) == (405, "POST, OPTIONS")


@BOTH_WAYS
def test_head_is_a_get_without_its_body(client, start):
    answer = client.head(f"{start}things")
    assert (answer.status_code, answer.content) == (200, b"")


@BOTH_WAYS
@pytest.mark.parametrize("method", ["get", "put", "delete", "options"])
def test_no_answer_may_be_stored(client, start, method):
    answer = getattr(client, method)(f"{start}things")
    assert answer["Cache-Control"] == "no-store"
    assert "Cookie" in answer["Vary"]


def test_a_response_of_the_view_itself_is_not_stored_either(client):
    answer = client.get("/api/response")
    assert (answer.status_code, answer.content) == (202, b"text")
    assert answer["Cache-Control"] == "no-store"


def test_an_endpoint_runs_under_asgi(aclient):
    post = async_to_sync(aclient.post)
    answer = post("/api/later/things", {"name": "lamp"}, content_type="application/json")
    assert (answer.status_code, answer.json()["name"]) == (201, "lamp")


def test_a_sync_endpoint_beside_an_async_one_runs_under_asgi(aclient):
    answer = async_to_sync(aclient.get)("/api/later/things")
    assert answer.json() == {"method": "GET"}


@BOTH_WAYS
def test_a_change_needs_the_csrf_token(strict_client, start):
    assert strict_client.delete(f"{start}things").status_code == 403


@BOTH_WAYS
def test_a_change_needs_the_csrf_token_where_the_site_forgot_the_middleware(
    strict_client, settings, start
):
    settings.MIDDLEWARE = [line for line in settings.MIDDLEWARE if "Csrf" not in line]
    assert strict_client.delete(f"{start}things").status_code == 403


@pytest.fixture(autouse=True)
def _no_judge(monkeypatch):
    monkeypatch.setattr(admission, "_judges", [])


@pytest.fixture
def _tokens(user):
    def judge(request, token, scope):
        if token == "good" and scope == "things":
            return user
        raise web.ApiError(401, "NOT_AUTHENTICATED", "No.")

    web.accept_tokens(judge)


@BOTH_WAYS
@pytest.mark.usefixtures("_tokens")
@pytest.mark.parametrize("header", ["Bearer bad", "Bearer", "Bearer  "])
def test_a_wrong_token_is_refused_even_with_a_session(client, user, start, header):
    client.force_login(user)
    answer = client.post(f"{start}token", headers={"Authorization": header})
    assert answer.status_code == 401


@BOTH_WAYS
def test_no_token_is_good_before_somebody_judges_them(client, start):
    answer = client.post(f"{start}token", headers={"Authorization": "Bearer good"})
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


@BOTH_WAYS
@pytest.mark.usefixtures("_tokens")
def test_a_token_lets_in_without_cookie_and_csrf_token(strict_client, start):
    answer = strict_client.post(f"{start}token", headers={"Authorization": "bearer good"})
    assert (answer.status_code, answer.json()) == (200, {"user": "ann"})


@BOTH_WAYS
@pytest.mark.usefixtures("_tokens")
def test_a_session_still_needs_the_csrf_token_where_tokens_are_taken(strict_client, user, start):
    strict_client.force_login(user)
    assert strict_client.post(f"{start}token").status_code == 403


@BOTH_WAYS
@pytest.mark.usefixtures("_tokens")
def test_a_session_with_the_csrf_token_comes_in_where_tokens_are_taken(strict_client, user, start):
    strict_client.force_login(user)
    secret = "a" * 32
    strict_client.cookies["csrftoken"] = secret
    answer = strict_client.post(f"{start}token", headers={"X-CSRFToken": secret})
    assert (answer.status_code, answer.json()) == (200, {"user": "ann"})


@pytest.mark.usefixtures("_tokens")
def test_a_token_is_nothing_to_an_endpoint_that_takes_none(client):
    answer = client.get("/api/token", headers={"Authorization": "Bearer good"})
    assert answer.status_code == 401


def test_a_later_judge_takes_the_place_of_an_earlier_one(client, user):
    web.accept_tokens(lambda request, token, scope: None)
    web.accept_tokens(lambda request, token, scope: user)
    answer = client.post("/api/token", headers={"Authorization": "Bearer any"})
    assert answer.json() == {"user": "ann"}


def test_a_form_gets_what_the_endpoint_says(client, user):
    client.force_login(user)
    answer = client.post("/api/own", {"name": "x"}, content_type="application/json")
    assert answer.json() == {"name": "x", "user": "ann"}


def test_an_endpoint_is_joined_by_its_own_method():
    with pytest.raises(ValueError, match="GET"):
        web.resource(get=site.make)


def test_a_resource_has_an_endpoint():
    with pytest.raises(ValueError, match="by its own method"):
        web.resource()


def test_a_route_of_the_api_says_so():
    with pytest.raises(ValueError, match="does not start"):
        web.api_path("things", site.read, name="x")


def test_an_endpoint_that_names_no_answer_sends_what_it_returns(rf):
    @web.endpoint("GET", summary="Say hello.", login="none")
    def greet(request):
        return {"hello": "you"}

    answer = web.resource(get=greet)(rf.get("/"))
    assert (answer.status_code, answer.content) == (200, b'{"hello": "you"}')
