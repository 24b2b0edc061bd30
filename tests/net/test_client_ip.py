"""The address of the client, whatever it claims itself."""

from __future__ import annotations

import asyncio
import logging

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIRequest
from django.test import AsyncRequestFactory, RequestFactory
from hypothesis import HealthCheck, given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from bt_security.net import client_ip, has_untrusted_forwarding
from bt_security.net.client_ip import _warn_of_untrusted_forwarding

pytestmark = pytest.mark.once

CLIENT = "198.51.100.7"
OUTER, INNER = "10.0.0.1", "10.0.0.2"
NETWORKS = ["10.0.0.0/8", "fd00::/8"]


@pytest.fixture(autouse=True)
def _not_yet_warned():
    _warn_of_untrusted_forwarding.cache_clear()


def request(forwarded: str | None, peer: str = INNER):
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    return RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer)


def async_request(forwarded: list[str], peer: str | None = INNER):
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": [(b"x-forwarded-for", entry.encode()) for entry in forwarded],
        "client": None if peer is None else (peer, 4711),
    }
    return ASGIRequest(scope, None)


@pytest.mark.parametrize(
    ("trust", "forwarded", "peer", "found"),
    [
        (0, None, CLIENT, CLIENT),
        (0, "203.0.113.9", CLIENT, CLIENT),
        ([], "203.0.113.9", CLIENT, CLIENT),
        (1, CLIENT, INNER, CLIENT),
        (1, f"203.0.113.9, {CLIENT}", INNER, CLIENT),
        (1, None, CLIENT, CLIENT),
        (2, f"203.0.113.9, {CLIENT}, {OUTER}", INNER, CLIENT),
        (2, CLIENT, INNER, CLIENT),
        (NETWORKS, None, CLIENT, CLIENT),
        (NETWORKS, "203.0.113.9", CLIENT, CLIENT),
        (NETWORKS, f"203.0.113.9, {CLIENT}", INNER, CLIENT),
        (NETWORKS, f"203.0.113.9, {CLIENT}, {OUTER}", INNER, CLIENT),
        (NETWORKS, f"10.1.1.1, {OUTER}", INNER, "10.1.1.1"),
        (NETWORKS, f"{CLIENT}", "fd00::2", CLIENT),
        (NETWORKS, f"{CLIENT}", "::ffff:10.0.0.2", CLIENT),
    ],
)
def test_the_client_is_the_first_address_that_no_proxy_has(settings, trust, forwarded, peer, found):
    settings.BT_SECURITY_NET_TRUST_PROXY = trust
    assert client_ip(request(forwarded, peer)) == found


@pytest.mark.feature("TK-16", "TK-17")
@pytest.mark.parametrize(
    ("trust", "genuine", "peer"),
    [
        (0, [], CLIENT),
        (1, [CLIENT], INNER),
        (2, [CLIENT, OUTER], INNER),
        (NETWORKS, [CLIENT, OUTER], INNER),
    ],
)
@bounds(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spoofed=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n")))
def test_what_the_client_writes_never_changes_the_answer(settings, trust, genuine, peer, spoofed):
    """What a client writes into `X-Forwarded-For` never changes its address, with 0, 1 or 2
    trusted hops."""
    settings.BT_SECURITY_NET_TRUST_PROXY = trust
    found = RequestFactory().get("/", REMOTE_ADDR=peer)
    found.META["HTTP_X_FORWARDED_FOR"] = ",".join([spoofed, *genuine])
    assert client_ip(found) == CLIENT


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (f"{CLIENT}:5000", CLIENT),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        (f"::ffff:{CLIENT}", CLIENT),
        ("fe80::1%eth0", "fe80::1"),
        (f"  {CLIENT} ,, ", CLIENT),
    ],
)
@pytest.mark.parametrize("trust", [1, NETWORKS], ids=["hops", "networks"])
def test_forms_of_an_address_are_one(settings, trust, written, found):
    settings.BT_SECURITY_NET_TRUST_PROXY = trust
    assert client_ip(request(written)) == found


@pytest.mark.parametrize("trust", [1, NETWORKS], ids=["hops", "networks"])
def test_a_proxy_that_names_no_address_is_an_error_line(settings, caplog, trust):
    settings.BT_SECURITY_NET_TRUST_PROXY = trust
    assert client_ip(request(f"{CLIENT}, unknown")) == ""
    ((name, level, text),) = caplog.record_tuples
    assert (name, level) == ("bt_security.net", logging.ERROR)
    assert "no client address" in text
    assert CLIENT not in text


@pytest.mark.parametrize("peer", ["", "unix:/run/site.sock"])
@pytest.mark.parametrize("trust", [1, NETWORKS], ids=["hops", "networks"])
def test_a_unix_socket_counts_as_a_proxy(settings, trust, peer):
    settings.BT_SECURITY_NET_TRUST_PROXY = trust
    assert client_ip(request(f"203.0.113.9, {CLIENT}", peer)) == CLIENT


@pytest.mark.parametrize("trust", [0, NETWORKS], ids=["none", "networks"])
def test_a_unix_socket_alone_is_an_error_line(settings, caplog, trust):
    settings.BT_SECURITY_NET_TRUST_PROXY = trust
    assert client_ip(request(None, "")) == ""
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_missing_peer_is_a_unix_socket(settings):
    settings.BT_SECURITY_NET_TRUST_PROXY = 1
    found = request(CLIENT)
    del found.META["REMOTE_ADDR"]
    assert client_ip(found) == CLIENT


def test_the_answer_is_kept_on_the_request(settings):
    settings.BT_SECURITY_NET_TRUST_PROXY = 1
    found = request(CLIENT)
    client_ip(found)
    settings.BT_SECURITY_NET_TRUST_PROXY = 0
    assert client_ip(found) == CLIENT


def test_an_empty_answer_is_kept_too(caplog):
    found = request(None, "")
    assert (client_ip(found), client_ip(found)) == ("", "")
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("trust", "forwarded", "peer", "found"),
    [
        (0, ["203.0.113.9"], CLIENT, CLIENT),
        (1, ["203.0.113.9", CLIENT], INNER, CLIENT),
        (2, ["203.0.113.9", f"{CLIENT}, {OUTER}"], INNER, CLIENT),
        (NETWORKS, ["203.0.113.9", CLIENT, OUTER], INNER, CLIENT),
        (1, [CLIENT], None, CLIENT),
    ],
)
def test_an_asgi_request_has_the_same_answer(settings, trust, forwarded, peer, found):
    settings.BT_SECURITY_NET_TRUST_PROXY = trust
    assert client_ip(async_request(forwarded, peer)) == found


def test_the_address_is_found_inside_an_event_loop(settings):
    settings.BT_SECURITY_NET_TRUST_PROXY = 1
    found = AsyncRequestFactory().get("/", headers={"x-forwarded-for": CLIENT})

    async def view():
        return client_ip(found)

    assert asyncio.run(view()) == CLIENT


def test_an_untrusted_header_is_warned_of_once(caplog):
    for _ in range(2):
        client_ip(request("203.0.113.9", CLIENT))
    ((_, level, text),) = caplog.record_tuples
    assert level == logging.WARNING
    assert "BT_SECURITY_NET_TRUST_PROXY trusts no proxy" in text
    assert "203.0.113.9" not in text


@pytest.mark.parametrize(
    ("trust", "forwarded", "is_untrusted"),
    [(0, CLIENT, True), ([], CLIENT, True), (0, None, False), (1, CLIENT, False)],
)
def test_forwarding_is_untrusted_without_a_trusted_proxy(settings, trust, forwarded, is_untrusted):
    settings.BT_SECURITY_NET_TRUST_PROXY = trust
    assert has_untrusted_forwarding(request(forwarded)) is is_untrusted


@pytest.mark.parametrize("trust", [-1, "1", True, ["10.0.0.0/33"]])
def test_a_malformed_setting_is_refused(settings, trust):
    settings.BT_SECURITY_NET_TRUST_PROXY = trust
    with pytest.raises(ImproperlyConfigured, match="BT_SECURITY_NET_TRUST_PROXY"):
        client_ip(request(CLIENT))
