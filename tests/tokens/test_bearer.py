"""Views that API tokens open, and those that they do not."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from bt_security.exceptions import ApiError
from bt_security.tokens import api, bearer
from bt_security.web import accept_tokens, admission
from tests.testapp.models import Account

pytestmark = [pytest.mark.once, pytest.mark.django_db, pytest.mark.urls("tests.tokens.site")]

VIEWS = ["/bills", "/later/bills", "/class/bills"]


@pytest.fixture
def issued(ann):
    return api.issue(ann, "script", scopes=["bills:read"])


@pytest.fixture
def connected():
    """The JSON API takes tokens, as a site with the feature `sessions` has it."""
    before = list(admission._judges)
    bearer.connect()
    yield
    admission._judges[:] = before


def bring(secret):
    return {"HTTP_AUTHORIZATION": f"Bearer {secret}"}


@pytest.mark.parametrize("path", VIEWS)
def test_without_a_token_a_view_answers_401(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json()["code"] == "NOT_AUTHENTICATED"
    assert "Location" not in answer


@pytest.mark.parametrize("path", VIEWS)
@pytest.mark.parametrize("secret", ["", "x", "btk_abc", "ä"])
def test_with_a_wrong_token_a_view_answers_401(client, path, secret):
    answer = client.get(path, **bring(secret))
    assert (answer.status_code, answer["Cache-Control"]) == (401, "no-store")
    assert answer["WWW-Authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("path", VIEWS)
def test_a_token_without_the_scope_gets_403(client, path, ann):
    answer = client.get(path, **bring(api.issue(ann, "other", scopes=["bills"]).secret))
    assert (answer.status_code, answer.json()["code"]) == (403, "INSUFFICIENT_SCOPE")
    assert 'scope="bills:read"' in answer["WWW-Authenticate"]


@pytest.mark.parametrize("path", VIEWS)
def test_a_session_does_not_count(client, path, ann):
    client.force_login(ann)
    assert client.get(path).status_code == 401
    assert client.get(path, **bring("x")).status_code == 401


@pytest.mark.parametrize("path", VIEWS)
def test_the_tokens_user_counts_not_that_of_the_session(client, path, issued, eve):
    client.force_login(eve)
    answer = client.get(path, **bring(issued.secret))
    assert answer.json() == {"user": issued.token.user_id, "token": "script"}


@pytest.mark.parametrize("path", VIEWS)
def test_a_post_with_a_token_needs_no_csrf_token(path, issued):
    client = Client(enforce_csrf_checks=True)
    assert client.post(path, **bring(issued.secret)).status_code == 200
    assert client.post(path).status_code == 401


def test_a_view_without_scope_takes_every_good_token(client, issued):
    assert client.get("/anything", **bring(issued.secret)).json() == {"user": issued.token.user_id}


@pytest.mark.feature("BD-09")
def test_a_deactivated_user_is_refused_on_the_next_request(client, issued):
    """A request with the API token of a user who has been deactivated gets 401."""
    assert client.get("/bills", **bring(issued.secret)).status_code == 200
    Account.objects.update(is_active=False)
    assert client.get("/bills", **bring(issued.secret)).status_code == 401


@pytest.mark.parametrize("path", VIEWS)
def test_a_site_that_demands_a_log_in_asks_tokens_here(settings, client, path, issued):
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
    assert client.get(path, **bring(issued.secret)).status_code == 200
    assert client.get(path).status_code == 401


async def _statuses(secret):
    client = AsyncClient()
    good = await client.get("/later/bills", headers={"Authorization": f"Bearer {secret}"})
    none = await client.get("/later/bills")
    return good.status_code, none.status_code


@pytest.mark.django_db(transaction=True)
def test_an_async_view_is_served_asynchronously(issued):
    assert async_to_sync(_statuses)(issued.secret) == (200, 401)


@pytest.mark.feature("TK-28")
def test_tokens_are_ignored_where_no_view_asks_for_them(client, issued):
    """A Bearer token logs nobody in unless a view asks for it or a setting lets the API take it."""
    assert client.get("/whoami", **bring(issued.secret)).content == b"None"


def open_endpoint(settings, client, secret):
    settings.ROOT_URLCONF = "tests.web.site"
    return client.post("/api/token", **bring(secret))


@pytest.mark.usefixtures("connected")
def test_the_json_api_refuses_tokens_unless_a_setting_admits_them(settings, client, ann):
    secret = api.issue(ann, "script", scopes=["things"]).secret
    assert open_endpoint(settings, client, secret).status_code == 401
    settings.BT_SECURITY_TOKENS_BEARER = True
    answer = open_endpoint(settings, client, secret)
    assert (answer.status_code, answer.json()) == (200, {"user": "Ann@Example.com"})


@pytest.mark.usefixtures("connected")
def test_the_json_api_judges_scope_and_token(settings, client, issued):
    settings.BT_SECURITY_TOKENS_BEARER = True
    answer = open_endpoint(settings, client, issued.secret)
    assert (answer.status_code, answer.json()["code"]) == (403, "INSUFFICIENT_SCOPE")
    api.revoke(issued.token)
    assert open_endpoint(settings, client, issued.secret).status_code == 401


def test_the_judge_judges_the_token_that_it_is_given(settings, rf, ann, issued):
    settings.BT_SECURITY_TOKENS_BEARER = True
    assert bearer.judge(rf.get("/"), issued.secret, "bills:read") == ann
    with pytest.raises(ApiError) as caught:
        bearer.judge(rf.get("/", **bring(issued.secret)), "btk_abc", "bills:read")
    assert caught.value.status == 401


def test_a_later_judge_takes_the_place_of_an_earlier_one(connected):
    accept_tokens(bearer.judge)
    assert admission._judges == [bearer.judge]
