"""Limits on views: decorator, mixin, line in an endpoint, and the answers they give."""

from __future__ import annotations

import asyncio
import json

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse

from bt_security import decorators, web
from bt_security.ratelimit import enforce, rate_limited

pytestmark = [
    pytest.mark.once,
    pytest.mark.usefixtures("limits_on", "clock"),
    pytest.mark.urls("tests.ratelimit.urls"),
]

VIEWS = ["/plain", "/native", "/class", "/native-class"]
JSON = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture(autouse=True)
def _small(settings):
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"thing": "2/15m:ip", "other": "9/1h:ip"}


def by_account(settings):
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"thing": "9/15m:ip, 1/15m:account"}


@pytest.mark.parametrize("path", VIEWS)
def test_what_is_too_much_is_429(client, path):
    assert [client.post(path).status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize("path", VIEWS)
def test_what_is_too_much_is_429_under_asgi(async_client, path):
    async def three():
        return [(await async_client.post(path)).status_code for _ in range(3)]

    assert asyncio.run(three()) == [200, 200, 429]


def test_a_refused_page_says_when_to_come_back(client):
    answer = [client.post("/plain") for _ in range(3)][-1]
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "Too many attempts" in answer.text
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert "minute" in answer.text
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_refusal_for_a_program_has_a_code(client):
    answer = [client.post("/plain", **JSON) for _ in range(3)][-1]
    assert answer.status_code == 429
    assert answer.json()["code"] == "RATE_LIMITED"
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_refusal_below_a_minute_counts_seconds(settings, client):
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"thing": "1/10s:ip"}
    answer = [client.post("/plain", **JSON) for _ in range(2)][-1]
    assert "second" in answer.json()["message"]


def test_an_allowed_answer_says_what_is_left(client):
    first, second = client.post("/plain"), client.post("/plain")
    assert first.headers["RateLimit-Policy"] == '"thing-ip-15m";q=2;w=900'
    assert first.headers["RateLimit"].startswith('"thing-ip-15m";r=1;t=')
    assert second.headers["RateLimit"].startswith('"thing-ip-15m";r=0;t=')
    assert "Retry-After" not in second.headers


def test_a_view_finds_the_decision_on_the_request(client):
    assert client.post("/plain").content == b"left: 1"


def test_two_operations_on_one_view_show_both(client):
    answer = client.post("/twice")
    assert answer.headers["RateLimit-Policy"] == (
        '"other-ip-1h";q=9;w=3600, "thing-ip-15m";q=2;w=900'
    )


@pytest.mark.parametrize("method", ["get", "head", "options"])
@pytest.mark.parametrize("path", VIEWS)
def test_reading_is_not_counted(client, path, method):
    for _ in range(5):
        getattr(client, method)(path)
    assert client.post(path).status_code == 200


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_everything_that_writes_is_counted(client, method):
    assert [getattr(client, method)("/plain").status_code for _ in range(3)] == [200, 200, 429]


def test_head_is_no_way_around_a_limit_of_get(client):
    for _ in range(2):
        client.head("/reading")
    assert client.get("/reading").status_code == 429


def test_methods_may_be_written_small(rf):
    view = rate_limited("thing", methods=["get"])(lambda request: HttpResponse())
    assert [view(rf.get("/")).status_code for _ in range(3)] == [200, 200, 429]


def test_a_view_chooses_the_methods_that_count(client):
    assert [client.get("/reading").status_code for _ in range(3)] == [200, 200, 429]
    assert client.post("/reading").status_code == 200


@pytest.mark.parametrize("path", ["/named", "/class"])
def test_an_account_is_a_field_of_the_form(settings, client, path):
    by_account(settings)
    names = ["bob", "bob", "eve"]
    assert [client.post(path, {"email": name}).status_code for name in names] == [200, 429, 200]


@pytest.mark.parametrize("kind", ["text/plain", "application/vnd.api+json", "application/x-json"])
def test_json_by_another_type_counts_for_its_account_too(settings, client, kind):
    by_account(settings)
    bodies = ['{"email": "bob"}', '{"email": "BOB"}', '{"email": "eve"}', '{"email": 7}']
    answers = [client.post("/named", body, content_type=kind) for body in [*bodies, bodies[-1]]]
    assert [answer.status_code for answer in answers] == [200, 429, 200, 200, 429]


def test_an_account_is_a_field_of_the_json_body(settings, client):
    by_account(settings)
    bodies = [{"email": "bob"}, {"email": "BOB"}, {"email": "eve"}]
    answers = [client.post("/named", body, content_type="application/json") for body in bodies]
    assert [answer.status_code for answer in answers] == [200, 429, 200]
    assert json.loads(answers[0].content) == {"email": "bob"}


@pytest.mark.parametrize("body", ["", "{", "[" * 100_000, "[]", '{"email": 1}', '"bob"', "\udc80"])
def test_a_malformed_json_body_is_left_to_the_view(settings, client, body):
    by_account(settings)
    raw = body.encode("utf-8", "surrogatepass")
    assert client.post("/named", raw, content_type="application/json").status_code == 200


def test_an_account_comes_from_a_callable(settings, client):
    by_account(settings)
    answers = [
        client.post("/named-by-callable", HTTP_X_NAME=name) for name in ("bob", "bob", "eve")
    ]
    assert [answer.status_code for answer in answers] == [200, 429, 200]


def test_an_endpoint_raises_what_its_base_answers(rf):
    request = rf.post("/api/endpoint")
    for _ in range(2):
        assert enforce("thing", request).allowed
    with pytest.raises(web.ApiError) as refused:
        enforce("thing", request)
    assert (refused.value.status, refused.value.code) == (429, "RATE_LIMITED")
    assert "Retry-After" in refused.value.headers


def test_an_unknown_operation_fails_at_the_first_request(rf):
    view = rate_limited("logn")(lambda request: None)
    with pytest.raises(ImproperlyConfigured, match="logn"):
        view(rf.post("/"))


def test_the_decorator_stands_in_the_common_place():
    assert decorators.rate_limited is rate_limited


def test_the_common_place_has_nothing_else():
    with pytest.raises(AttributeError, match="no attribute 'limited'"):
        decorators.limited  # noqa: B018
