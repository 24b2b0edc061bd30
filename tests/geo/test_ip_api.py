"""ip-api.com as it should answer, and as it should not, on real servers."""

from __future__ import annotations

import logging
import socket
import time
from functools import partial

import pytest

from bt_security import geo
from bt_security.geo import ip_api
from bt_security.geo.breaker import FAILURES_IN_A_ROW
from bt_security.geo.ip_api import MAX_QUOTA_WAIT_SECONDS, MAX_RESPONSE_BYTES, IpApiProvider
from tests.geo.places import BERLIN, PUBLIC, PUBLIC_IPV6, says
from tests.net.loopback import Server, answer, read_request, redirect
from tests.net.test_fetch_tls import Authority

pytestmark = pytest.mark.once

KEY = "s3cret&key"


def asked(server):
    return [request.split(b" ", 2)[1].decode() for request in server.requests]


def test_a_place_is_told(free_plan):
    server = free_plan(says())
    place = geo.look_up(PUBLIC)
    assert place == geo.Location(
        "Berlin", "State of Berlin", "Germany", "Example Net", 52.5167, 13.4
    )
    assert len(server.requests) == 1


def test_no_more_is_asked_for_than_is_used(free_plan):
    server = free_plan(says())
    geo.look_up(PUBLIC)
    fields = "status%2Ccountry%2CregionName%2Ccity%2Clat%2Clon%2Cisp"
    assert asked(server) == [f"/json/{PUBLIC}?fields={fields}"]
    assert b"Host: ip-api.com\r\n" in server.requests[0]


def test_an_ipv6_address_is_asked_for(free_plan):
    server = free_plan(says())
    geo.look_up(PUBLIC_IPV6)
    assert asked(server)[0].startswith(f"/json/{PUBLIC_IPV6}?")


def test_an_unknown_address_is_no_failure(free_plan, caplog):
    server = free_plan(says({"status": "fail"}))
    assert [geo.look_up(PUBLIC) for _ in range(5)] == [None] * 5
    assert len(server.requests) == 5
    assert caplog.records == []


def test_plain_http_needs_its_setting(free_plan, network, settings, caplog):
    server = free_plan(says())
    settings.BT_SECURITY_GEO_IP_API_ALLOW_PLAIN_HTTP = False
    assert geo.look_up(PUBLIC) is None
    assert (network.asked, server.requests) == ([], [])
    assert "plain HTTP is not allowed" in caplog.text


def test_a_key_is_sent_to_the_paid_service_by_https(
    serve, network, settings, monkeypatch, tmp_path
):
    settings.BT_SECURITY_GEO_PROVIDER = "ip-api"
    settings.BT_SECURITY_GEO_IP_API_KEY = KEY
    authority = Authority(tmp_path)
    server = serve(says(), tls=authority.server("pro.ip-api.com"))
    monkeypatch.setattr(ip_api, "safe_fetch", partial(network.fetch, trust=authority.trust))
    assert geo.look_up(PUBLIC).city == "Berlin"
    assert asked(server)[0].endswith("&key=s3cret%26key")
    assert b"Host: pro.ip-api.com\r\n" in server.requests[0]


def test_the_key_goes_to_no_server_with_a_wrong_name(
    serve, network, settings, monkeypatch, tmp_path
):
    settings.BT_SECURITY_GEO_PROVIDER = "ip-api"
    settings.BT_SECURITY_GEO_IP_API_KEY = KEY
    authority = Authority(tmp_path)
    server = serve(says(), tls=authority.server("other.example.com"))
    monkeypatch.setattr(ip_api, "safe_fetch", partial(network.fetch, trust=authority.trust))
    assert geo.look_up(PUBLIC) is None
    assert server.requests == []


@pytest.fixture
def own_service(settings, network):
    """A service of the site's own in the place of ip-api.com."""
    settings.BT_SECURITY_GEO_IP_API_URL = "http://places.example.com/v1/"
    network.names["places.example.com"] = ["8.8.8.8"]


def test_a_service_of_the_site_is_asked_as_ip_api_is(free_plan, own_service):
    server = free_plan(says())
    assert geo.look_up(PUBLIC).city == "Berlin"
    assert asked(server)[0].startswith(f"/v1/{PUBLIC}?fields=")


@pytest.mark.parametrize("target", ["http://127.0.0.1:1/", "http://10.0.0.1/", "http://nas.lan/"])
def test_a_service_in_a_private_network_has_to_be_allowed(free_plan, network, settings, target):
    settings.BT_SECURITY_GEO_IP_API_URL = target
    free_plan(says())
    assert geo.look_up(PUBLIC) is None
    assert network.dialled == []


@pytest.mark.parametrize("is_listed", [False, True])
def test_a_service_on_this_machine_is_never_asked(settings, is_listed):
    settings.BT_SECURITY_GEO_PROVIDER = "ip-api"
    settings.BT_SECURITY_GEO_IP_API_ALLOW_PLAIN_HTTP = True
    settings.BT_SECURITY_NET_ALLOWED_TARGETS = ["127.0.0.1"] if is_listed else []
    with Server(says()) as server:
        settings.BT_SECURITY_GEO_IP_API_URL = "http://{}:{}".format(*server.address)
        assert geo.look_up(PUBLIC) is None
    assert server.requests == []


def test_a_service_that_is_allowed_may_be_in_a_private_network(free_plan, network, settings):
    settings.BT_SECURITY_GEO_IP_API_URL = "http://10.0.0.1:8080"
    settings.BT_SECURITY_NET_ALLOWED_TARGETS = ["10.0.0.1:8080"]
    free_plan(says())
    assert geo.look_up(PUBLIC).city == "Berlin"
    assert network.dialled == ["10.0.0.1"]


@pytest.mark.parametrize(
    "sent",
    [
        says(status="500 Oops"),
        says(status="403 Forbidden"),
        says(status="429 Too Many Requests"),
        b"broken",
        answer(b"{"),
        redirect("http://10.0.0.1/"),
        redirect("http://other.example.com/"),
    ],
)
def test_neither_key_nor_address_is_in_a_log(free_plan, own_service, settings, caplog, sent):
    caplog.set_level(logging.DEBUG)
    settings.BT_SECURITY_GEO_IP_API_KEY = KEY
    server = free_plan(sent)
    assert geo.look_up(PUBLIC) is None
    assert "key=s3cret" in asked(server)[0]
    assert len(caplog.records) == 1
    for hidden in ("s3cret", PUBLIC, "places.example"):
        assert hidden not in caplog.text


@pytest.mark.parametrize(
    "sent",
    [
        says(status="500 Internal Server Error"),
        says(status="404 Not Found"),
        says(status="204 No Content"),
        answer(b""),
        answer(b"<html>"),
        answer(b'{"status": "success", '),
        answer(b"[" * 10_000),
        answer(b'{"status": "success", "lat": ' + b"9" * 5_000 + b"}"),
        answer(b"\xff\xfe"),
        answer(b"x" * (MAX_RESPONSE_BYTES + 1)),
        redirect("http://10.0.0.1/"),
        redirect("http://127.0.0.1/"),
        redirect("http://other.example.com/"),
        redirect("/json/8.8.8.8"),
        *map(says, ([], [BERLIN], "success", None, 5, {}, {"status": "pending"}, {"status": 1})),
    ],
)
def test_a_wrong_answer_is_no_place(free_plan, network, caplog, sent):
    server = free_plan(sent)
    assert geo.look_up(PUBLIC) is None
    assert (len(server.requests), len(network.dialled)) == (1, 1)
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"city": None},
        {"city": 5},
        {"regionName": ["Berlin"]},
        {"country": {"name": "Germany"}},
        {"isp": True},
        {"lat": "52.5"},
        {"lat": 91},
        {"lon": -180.1},
        {"lon": True},
        {"lat": float("nan")},
        {"lon": float("inf")},
    ],
)
def test_an_answer_with_one_wrong_field_is_no_place(free_plan, caplog, changed):
    free_plan(says(BERLIN | changed))
    assert geo.look_up(PUBLIC) is None
    assert len(caplog.records) == 1


def test_fields_that_are_missing_stay_unknown(free_plan):
    free_plan(says({"status": "success", "country": "Germany"}))
    assert geo.look_up(PUBLIC) == geo.Location(country="Germany")


def hangs(connection: socket.socket) -> None:
    read_request(connection)
    connection.settimeout(5)
    connection.recv(1)  # nothing comes; the client leaves


def drips(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.02)


@pytest.mark.parametrize("script", [hangs, drips])
def test_a_service_has_one_second_for_all_of_its_answer(free_plan, script):
    free_plan(script)
    start = time.monotonic()
    assert geo.look_up(PUBLIC) is None
    assert 0.9 < time.monotonic() - start < 3


def test_ten_megabytes_are_not_read(free_plan):
    sent_bytes = []

    def floods(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        sent_bytes.extend(connection.send(b"x" * 65_536) for _ in range(160))

    free_plan(floods)
    assert geo.look_up(PUBLIC) is None
    assert sum(sent_bytes) < 10_000_000


def test_a_service_that_is_away_is_left_alone(free_plan, network, caplog):
    assert [geo.look_up(PUBLIC) for _ in range(50)] == [None] * 50
    assert len(network.dialled) == FAILURES_IN_A_ROW
    assert len(caplog.records) == 1


@pytest.fixture
def provider(clock):
    return IpApiProvider(clock=clock)


def refused(provider):
    """Ask and return how long the service is left alone."""
    with pytest.raises(geo.LocationUnavailable, match="quota") as caught:
        provider.lookup(PUBLIC)
    return caught.value.retry_after_seconds


def test_after_the_last_request_of_a_window_the_next_one_waits(free_plan, provider, clock):
    server = free_plan(says(BERLIN, "X-Rl: 0", "X-Ttl: 17"), says(BERLIN, "X-Rl: 44", "X-Ttl: 60"))
    assert provider.lookup(PUBLIC).city == "Berlin"
    clock.now += 7
    assert refused(provider) == 10
    assert len(server.requests) == 1
    clock.now += 10
    assert provider.lookup(PUBLIC).city == "Berlin"
    assert provider.lookup(PUBLIC).city == "Berlin"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["X-Ttl: 17"], 17),
        ([], 60),
        (["X-Ttl: soon"], 60),
        (["X-Ttl: -5"], 60),
        (["X-Ttl: 0"], 1),
        (["X-Ttl: 999999"], MAX_QUOTA_WAIT_SECONDS),
        (["X-Ttl: 99999999999999999999"], 60),
    ],
)
def test_a_service_that_is_asked_too_often_says_for_how_long(free_plan, provider, headers, seconds):
    server = free_plan(says(None, *headers, status="429 Too Many Requests"))
    assert refused(provider) == seconds
    assert refused(provider) == seconds
    assert len(server.requests) == 1


def test_a_used_up_quota_is_one_warning(free_plan, caplog):
    server = free_plan(says(BERLIN, "X-Rl: 0", "X-Ttl: 60"))
    found = [geo.look_up(PUBLIC) for _ in range(20)]
    assert [place for place in found if place] == found[:1]
    assert len(server.requests) == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "quota" in caplog.text
