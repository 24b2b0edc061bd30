"""What the outer middleware does to every request."""

from __future__ import annotations

import asyncio
import re

import pytest
from asgiref.sync import iscoroutinefunction

from bt_security import middleware
from bt_security.middleware import EdgeMiddleware

pytestmark = pytest.mark.once

RANDOM_ID = re.compile(r"[0-9a-f]{32}")


@pytest.mark.parametrize(
    "given", ["", "short", "x" * 129, "with space", "a\tb\tc\td\te", "ünïcödé-id"]
)
def test_a_malformed_request_id_is_replaced(visitor, site, given):
    site.BT_SECURITY_NET_TRUST_PROXY = 1
    response = visitor.get("/seen", headers={"X-Request-ID": given})
    assert RANDOM_ID.fullmatch(response.json()["id"])


@pytest.mark.parametrize("trust", [0, [], ["192.0.2.0/24"]])
def test_a_request_id_of_anybody_is_replaced(visitor, site, trust):
    site.BT_SECURITY_NET_TRUST_PROXY = trust
    response = visitor.get("/seen", headers={"X-Request-ID": "0123456789abcdef"})
    assert RANDOM_ID.fullmatch(response.json()["id"])


@pytest.mark.parametrize("trust", [1, ["127.0.0.0/8"]])
def test_a_request_id_of_a_trusted_proxy_is_kept(visitor, site, trust):
    site.BT_SECURITY_NET_TRUST_PROXY = trust
    response = visitor.get("/seen", headers={"X-Request-ID": "0123456789abcdef"})
    assert response.json()["id"] == response["X-Request-ID"] == "0123456789abcdef"


def test_two_requests_have_two_ids(visitor):
    assert visitor.get("/seen")["X-Request-ID"] != visitor.get("/seen")["X-Request-ID"]


def test_an_id_that_the_view_has_set_is_kept(visitor):
    assert visitor.get("/own-id")["X-Request-ID"] == "chosen-by-the-view"


@pytest.mark.django_db
def test_an_error_answer_has_the_id_too(visitor):
    assert RANDOM_ID.fullmatch(visitor.get("/broken")["X-Request-ID"])
    assert RANDOM_ID.fullmatch(visitor.get("/nowhere")["X-Request-ID"])


@pytest.mark.feature("BT-15")
@pytest.mark.parametrize("trust", [0, ["192.0.2.0/24"]])
def test_a_scheme_that_anybody_forwards_is_ignored(visitor, site, trust):
    """`X-Forwarded-Proto` of a peer that is no trusted proxy never makes a request secure."""
    site.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    site.BT_SECURITY_NET_TRUST_PROXY = trust
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    seen = visitor.get("/seen", headers=headers).json()
    assert (seen["secure"], seen["forwarded_host"]) == (False, "")


@pytest.mark.feature("BT-15")
@pytest.mark.parametrize("trust", [1, ["127.0.0.0/8"]])
def test_a_scheme_that_a_trusted_proxy_forwards_counts(visitor, site, trust):
    """`X-Forwarded-Proto` of a trusted proxy makes the request secure."""
    site.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    site.BT_SECURITY_NET_TRUST_PROXY = trust
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "bills.example"}
    seen = visitor.get("/seen", headers=headers).json()
    assert (seen["secure"], seen["forwarded_host"]) == (True, "bills.example")


@pytest.mark.parametrize("peer", ["", "unix:"])
def test_a_unix_socket_leads_to_a_trusted_proxy(visitor, site, peer):
    site.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    site.BT_SECURITY_NET_TRUST_PROXY = ["192.0.2.1"]
    headers = {"X-Forwarded-Proto": "https"}
    assert visitor.get("/seen", headers=headers, REMOTE_ADDR=peer).json()["secure"] is True


def test_a_peer_without_a_readable_address_is_not_trusted(visitor, site):
    site.BT_SECURITY_NET_TRUST_PROXY = ["127.0.0.1"]
    headers = {"X-Request-ID": "0123456789abcdef"}
    response = visitor.get("/seen", headers=headers, REMOTE_ADDR="nonsense")
    assert response["X-Request-ID"] != "0123456789abcdef"


def test_a_site_that_names_no_proxy_keeps_its_own_settings(visitor, site):
    site.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert visitor.get("/seen", headers={"X-Forwarded-Proto": "https"}).json()["secure"] is True


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/away", "/away-async"])
def test_a_view_without_its_store_is_a_503(visitor, path):
    response = visitor.get(path)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "no-store" in response["Cache-Control"]
    assert b"<!doctype html>" in response.content


@pytest.mark.django_db
def test_an_api_client_reads_a_code(visitor):
    response = visitor.get("/away", headers={"Accept": "application/json"})
    assert (response.status_code, response.json()["code"]) == (503, "STORE_UNAVAILABLE")


@pytest.mark.parametrize("debug", [False, True])
def test_a_session_that_cannot_be_saved_is_a_503(visitor, site, debug, caplog):
    site.DEBUG = debug
    site.MIDDLEWARE.insert(1, "tests.middleware.site.StoreIsAway")
    response = visitor.get("/static")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert RANDOM_ID.fullmatch(response["X-Request-ID"])


def test_a_fault_of_the_site_stays_a_500(visitor, caplog):
    assert visitor.get("/broken").status_code == 500


def test_the_async_chain_answers_alike(async_visitor, site):
    async def visit():
        seen = await async_visitor.get("/seen-async")
        away = await async_visitor.get("/away-async")
        return seen, away

    seen, away = asyncio.run(visit())
    assert seen.json()["id"] == seen["X-Request-ID"]
    assert (away.status_code, away["Retry-After"]) == (503, "5")


def test_a_middleware_that_fails_in_the_async_chain_is_a_503(async_visitor, site, caplog):
    site.MIDDLEWARE.insert(1, "tests.middleware.site.StoreIsAway")
    assert asyncio.run(async_visitor.get("/static")).status_code == 503


def test_it_is_async_for_an_async_server():
    async def answer(request): ...

    assert iscoroutinefunction(EdgeMiddleware(answer))
    assert not iscoroutinefunction(EdgeMiddleware(lambda request: None))


def test_a_request_asks_the_database_nothing(visitor, django_assert_num_queries, db):
    with django_assert_num_queries(0):
        assert visitor.get("/static").status_code == 200


def test_only_two_names_are_there():
    with pytest.raises(AttributeError, match="has no attribute 'Middleware'"):
        middleware.Middleware  # noqa: B018


@pytest.mark.django_db
def test_a_refused_log_in_keeps_the_cookies_of_the_page(visitor, site):
    site.BT_SECURITY_FEATURES = ["ratelimit", "headers"]
    site.BT_SECURITY_RATELIMIT_OPERATIONS = {"login": "1/1h:ip"}
    site.AUTHENTICATION_BACKENDS = [
        "bt_security.ratelimit.LimitedBackend",
        "django.contrib.auth.backends.ModelBackend",
    ]
    form = {"username": "root@example.com", "password": "wrong"}
    peer = {"REMOTE_ADDR": "203.0.113.77"}
    assert visitor.post("/admin/login/", form, **peer).status_code == 200
    visitor.cookies.clear()
    refused = visitor.post("/admin/login/", form, **peer)
    assert refused.status_code == 429
    assert "csrftoken" in refused.cookies
    assert "X-Frame-Options" in refused.headers
