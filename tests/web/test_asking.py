"""Who gets errors as JSON, and where a visitor goes on."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from bt_security import web

pytestmark = pytest.mark.once

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def ask(client, **extra):
    return client.get("/page", **extra).text == "True"


@pytest.mark.parametrize(
    ("accept", "is_json"),
    [
        ("", False),
        ("*/*", False),
        (BROWSER, False),
        ("text/*", False),
        ("application/json", True),
        ("application/json, text/plain, */*", True),
        ("text/html, application/json", False),
        ("text/html;q=0.5, application/json", True),
        ("application/json;q=0.5, text/html", False),
        ("nonsense", False),
        (";;,,//", False),
    ],
)
def test_the_client_says_what_it_wants(client, accept, is_json):
    assert ask(client, headers={"Accept": accept}) is is_json


@pytest.mark.parametrize(("accept", "is_json"), [("*/*", True), (BROWSER, False)])
def test_who_sends_json_gets_json_unless_it_wants_a_page(client, accept, is_json):
    answer = client.post("/page", {}, content_type="application/json", headers={"Accept": accept})
    assert (answer.text == "True") is is_json


@pytest.mark.usefixtures("_site")
@pytest.mark.parametrize(
    ("path", "is_json"),
    [("/bt/api/sessions", True), ("/bt/api/", True), ("/bt/sessions", False), ("/api/x", False)],
)
def test_below_the_api_of_the_package_it_is_always_json(path, is_json):
    assert web.wants_json(RequestFactory().get(path)) is is_json


def test_a_site_without_the_urls_has_no_such_place():
    assert web.wants_json(RequestFactory().get("/api/sessions")) is False


@pytest.mark.feature("BD-34")
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "http:evil.example",
        r"\\evil.example",
        r"/\evil.example",
        "javascript:alert(1)",
        "https://testserver@evil.example/",
        "http://testserver.evil.example/",
        "\thttps://evil.example",
        "",
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_is_sent_to_another_site(client, method, target):
    """A `next` that leads to another site, in whatever spelling, is replaced by the default."""
    assert getattr(client, method)("/go-on", {"next": target}).text == "/home"


@pytest.mark.parametrize("target", ["/bills?page=2", "bills", "http://testserver/bills"])
def test_a_page_of_the_site_is_where_the_visitor_goes_on(client, target):
    assert client.get("/go-on", {"next": target}).text == target


def test_from_https_nobody_is_sent_to_http(client):
    answer = client.get("/go-on", {"next": "http://testserver/bills"}, secure=True)
    assert answer.text == "/home"


def test_an_accept_header_that_djangos_parser_refuses_asks_for_nothing():
    odd = {"accept": "text/html; q*=utf-99'x'y"}
    assert web.wants_json(RequestFactory().get("/page", headers=odd)) is False
    body = RequestFactory().post("/page", "{}", content_type="application/json", headers=odd)
    assert web.wants_json(body) is True
