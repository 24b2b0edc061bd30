"""What a fetch sends, what it follows and where it connects to."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from bt_security import net
from bt_security.exceptions import FetchFailed, FetchRefused
from bt_security.net.deadline import Deadline
from bt_security.net.safe_fetch import Fetch
from bt_security.net.targets import judge
from bt_security.signals import security_event
from tests.conftest import NetworkClosed
from tests.net.loopback import OTHER_PUBLIC, PUBLIC, answer, redirect

pytestmark = pytest.mark.once

URL = "http://files.example.com/"
OTHER_URL = "http://other.example.com/"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "http://[::ffff:7f00:1]/", "http://localhost/"]
)
def test_this_machine_is_refused(url):
    with pytest.raises(FetchRefused):
        net.safe_fetch(url)


def test_an_async_fetch_refuses_the_same():
    with pytest.raises(FetchRefused):
        asyncio.run(net.asafe_fetch("http://127.0.0.1/", timeout_seconds=1))


def test_a_fetch_dials_the_address_that_was_judged():
    with pytest.raises(NetworkClosed, match=OTHER_PUBLIC):
        net.safe_fetch(f"http://{OTHER_PUBLIC}/", headers={"X-Trace": "1"}, timeout_seconds=1)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Trace": "1\r\nHost: internal"},
        {"X-Trace": "1\nX: 2"},
        {"X-Trace": "1\x00"},
        {"X-Trace": "1\u2028"},
        {"X-Trace\r\nX": "1"},
        {"X Trace": "1"},
        {"": "1"},
        {"Host": "internal"},
        {"content-length": "0"},
        {"Transfer-Encoding": "chunked"},
    ],
)
def test_a_header_that_could_be_another_request_is_refused(network, headers):
    with pytest.raises(FetchRefused, match="header"):
        network.fetch(URL, headers=headers)
    assert network.dialled == []


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "get", "GET / HTTP/1.1\r\nX:", ""])
def test_another_method_is_refused(network, method):
    with pytest.raises(FetchRefused, match="method"):
        network.fetch(URL, method=method)


def test_a_request_says_what_was_given(network, serve):
    server = serve(answer(b"done"))
    headers = {"Authorization": "Bearer t", "User-Agent": "site", "X-Name": "Zo\xeb"}
    network.fetch(f"{URL}a?b=ü", method="POST", headers=headers, body=b"sent")
    (sent,) = server.requests
    head, _, body = sent.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    assert (first, body) == (b"POST /a?b=%C3%BC HTTP/1.1", b"sent")
    assert sorted(lines) == [
        b"Accept-Encoding: identity",
        b"Accept: */*",
        b"Authorization: Bearer t",
        b"Connection: close",
        b"Content-Length: 4",
        b"Host: files.example.com",
        b"User-Agent: site",
        b"X-Name: Zo\xeb",
    ]


def test_an_answer_has_status_headers_and_content(network, serve):
    serve(answer(b'{"a": 1}', "X-One: 1", "x-one: 2", status="404 Not Found"))
    response = network.fetch(URL)
    assert (response.url, response.status, response.json()) == (URL, 404, {"a": 1})
    assert response.headers["x-one"] == "1, 2"


def test_what_may_be_secret_in_an_answer_is_not_in_a_log(network, serve):
    serve(answer(b"secret content", "Set-Cookie: s=secret"))
    response = network.fetch(f"{URL}secret/path?token=secret")
    assert response.headers["set-cookie"] == "s=secret"
    assert repr(response) == "Response(status=200)"


def test_what_may_be_secret_in_a_request_is_not_in_a_log(network):
    shown = repr(
        Fetch(
            url="https://files.example.com/secret?token=secret",
            method="POST",
            headers={"Authorization": "Bearer secret"},
            body=b"secret",
            deadline=Deadline(1),
        )
    )
    assert "secret" not in shown
    assert "method='POST'" in shown


def test_the_path_of_a_judged_url_is_not_in_a_log(network):
    judged = judge(f"{URL}secret?token=secret", resolve=network.resolve)
    assert repr(judged) == "Target(http://files.example.com)"


@pytest.mark.parametrize("content", [b"", b"<html>", b"\xff", b"[" * 100_000])
def test_content_that_is_no_json_fails(network, serve, content):
    serve(answer(content))
    with pytest.raises(FetchFailed, match="not JSON"):
        network.fetch(URL).json()


def test_a_head_request_has_no_content(network, serve):
    serve(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\nContent-Encoding: gzip\r\n\r\n")
    assert network.fetch(URL, method="HEAD").content == b""


def test_an_answer_without_a_length_is_read_to_its_end(network, serve):
    serve(b"HTTP/1.1 200 OK\r\n\r\nuntil closed")
    assert network.fetch(URL).content == b"until closed"


def test_proxy_variables_are_ignored(network, serve, monkeypatch):
    direct, proxy = serve(answer(), at=PUBLIC), serve(answer(), at="8.8.8.8")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://{}:{}".format(*proxy.address))
    network.fetch(URL)
    assert (len(direct.requests), proxy.requests) == (1, [])


def test_the_next_address_is_tried_when_one_does_not_answer(network, serve):
    network.names["files.example.com"] = ["2606:4700::1", PUBLIC]
    serve(answer(b"second"), at=PUBLIC)
    assert network.fetch(URL).content == b"second"
    assert network.dialled == ["2606:4700::1", PUBLIC]


def test_no_address_that_answers_is_a_failure(network):
    with pytest.raises(FetchFailed, match="ConnectionRefusedError"):
        network.fetch(URL)


@pytest.mark.feature("TK-22")
def test_a_resolver_that_changes_its_answer_is_asked_once(network, serve):
    """The connection goes to the address that was judged, even if the resolver changes its
    answer."""
    serve(answer(b"the judged one"), at=PUBLIC)
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    response = network.fetch(URL, resolve=lambda host, port: next(answers))
    assert response.content == b"the judged one"
    assert network.dialled == [PUBLIC]


@pytest.mark.feature("TK-22")
def test_a_redirect_to_a_name_that_became_private_is_refused(network, serve):
    """A name that became private between two requests of a redirect is refused."""
    serve(redirect("/again"), at=PUBLIC)
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    with pytest.raises(FetchRefused, match="this machine"):
        network.fetch(URL, resolve=lambda host, port: next(answers))
    assert network.dialled == [PUBLIC]


@pytest.mark.feature("TK-21")
@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1/",
        "//10.0.0.1/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://2130706433/",
        "http://nas.local/",
        "file:///etc/passwd",
        "http://user:pass@other.example.com/",
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_judged_like_the_first_url(network, serve, status, location):
    """A redirect to an address that may not be reached is refused like the first URL."""
    serve(redirect(location, status))
    with pytest.raises(FetchRefused):
        network.fetch(URL)
    assert network.dialled == [PUBLIC]


def test_redirects_are_followed_up_to_their_number(network, serve):
    serve(redirect("/1"), redirect("2"), redirect(OTHER_URL), answer(b"end"))
    response = network.fetch(URL, max_redirects=3)
    assert (response.url, response.content) == (OTHER_URL, b"end")


@pytest.mark.parametrize("most", [0, 3])
def test_one_redirect_more_is_a_failure(network, serve, most):
    server = serve(redirect("/again"))
    with pytest.raises(FetchFailed, match=f"more than {most} redirects"):
        network.fetch(URL, max_redirects=most)
    assert len(server.requests) == most + 1


def test_a_redirect_without_a_place_is_an_answer(network, serve):
    serve(answer(status="304 Not Modified"))
    assert network.fetch(URL).status == 304


def test_a_place_in_bytes_is_followed_as_it_is(network, serve):
    server = serve(redirect("/ü b".encode().decode("latin-1")), answer())
    network.fetch(URL)
    assert server.requests[1].startswith(b"GET /%C3%BC%20b HTTP/1.1")


CREDENTIALS = {"Authorization": "Bearer t", "Cookie": "a=b", "X-Api-Key": "k", "Accept": "a/b"}


def lines_of(request: bytes) -> list[bytes]:
    return request.partition(b"\r\n\r\n")[0].split(b"\r\n")


@pytest.mark.parametrize("place", [OTHER_URL, "http://files.example.com:8080/"])
def test_credentials_do_not_follow_to_another_host_or_port(network, serve, place):
    server = serve(redirect(place), redirect(URL), answer())
    network.fetch(URL, headers=CREDENTIALS)
    first, *later = (b"\n".join(lines_of(request)) for request in server.requests)
    assert all(f"{name}: {text}".encode() in first for name, text in CREDENTIALS.items())
    for request in later:
        assert b"Accept: a/b" in request
        assert not any(name.encode() in request for name in list(CREDENTIALS)[:3])


def test_credentials_follow_on_the_same_host(network, serve):
    server = serve(redirect("/next"), answer())
    network.fetch(URL, headers=CREDENTIALS)
    assert b"Authorization: Bearer t" in lines_of(server.requests[1])


@pytest.mark.parametrize(
    ("status", "method", "second", "body"),
    [
        (301, "POST", b"GET", b""),
        (302, "POST", b"GET", b""),
        (303, "POST", b"GET", b""),
        (303, "PUT", b"GET", b""),
        (303, "HEAD", b"HEAD", b""),
        (302, "PUT", b"PUT", b"sent"),
        (307, "POST", b"POST", b"sent"),
        (308, "POST", b"POST", b"sent"),
    ],
)
def test_a_redirect_keeps_or_drops_method_and_body(network, serve, status, method, second, body):
    server = serve(redirect("/next", status), answer())
    sent = None if method == "HEAD" else b"sent"
    network.fetch(URL, method=method, body=sent, headers={"Content-Type": "text/plain"})
    head, _, received = server.requests[1].partition(b"\r\n\r\n")
    assert (head.split()[0], received) == (second, body)
    assert (b"Content-Type" in head) is (second != b"GET")


@pytest.mark.parametrize("status", [307, 308])
def test_a_body_does_not_follow_to_another_host(network, serve, status):
    server = serve(redirect(OTHER_URL, status))
    with pytest.raises(FetchRefused, match="body to another host"):
        network.fetch(URL, method="POST", body=b"client_secret=s")
    assert len(server.requests) == 1


def test_another_host_is_asked_without_body_and_credentials_after_a_post(network, serve):
    server = serve(redirect(OTHER_URL, 303), answer())
    headers = {"Authorization": "Bearer t", "Content-Type": "application/json"}
    network.fetch(URL, method="POST", body=b"{}", headers=headers)
    head, _, body = server.requests[1].partition(b"\r\n\r\n")
    assert (head.split()[0], body) == (b"GET", b"")
    assert b"Authorization" not in head
    assert b"Content-Type" not in head


DOCUMENT = {"root": "c0ffee", "size": 3, "name": "Zo\xeb"}
AS_JSON = {
    "method": "POST",
    "headers": {"Content-Type": "application/json"},
    "body": json.dumps(DOCUMENT).encode(),
}


@pytest.fixture
def loopback_behind(network, monkeypatch):
    """Lead every connection to a loopback server, and only connecting differs from use."""
    connect = socket.create_connection

    def lead_to_server(address, timeout):
        return connect(network.servers[address[0]].address, timeout=timeout)

    monkeypatch.setattr(socket, "create_connection", lead_to_server)


def fetch_in_loop(url, **options):
    return asyncio.run(net.asafe_fetch(url, **options))


@pytest.mark.usefixtures("loopback_behind")
@pytest.mark.parametrize("fetch", [net.safe_fetch, fetch_in_loop], ids=["sync", "async"])
def test_a_json_document_is_sent(serve, fetch):
    server = serve(answer(b'{"stored": true}', status="201 Created"), at=PUBLIC)
    response = fetch(f"http://{PUBLIC}/anchors", timeout_seconds=5, **AS_JSON)
    assert (response.status, response.json()) == (201, {"stored": True})
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /anchors HTTP/1.1\r\n")
    assert b"Content-Type: application/json" in lines_of(head)
    assert json.loads(body) == DOCUMENT


@pytest.mark.usefixtures("loopback_behind")
@pytest.mark.parametrize("fetch", [net.safe_fetch, fetch_in_loop], ids=["sync", "async"])
def test_a_json_document_is_not_sent_on_to_this_machine(serve, fetch):
    server = serve(redirect("http://127.0.0.1/", 307), at=PUBLIC)
    with pytest.raises(FetchRefused):
        fetch(f"http://{PUBLIC}/anchors", timeout_seconds=5, **AS_JSON)
    assert len(server.requests) == 1


def test_a_refusal_is_reported_without_the_url():
    said = []
    security_event.connect(lambda **event: said.append(event), weak=False, dispatch_uid="test")
    try:
        with pytest.raises(FetchRefused):
            net.safe_fetch("http://127.0.0.1/?key=s3cret")
        with pytest.raises(FetchRefused):
            asyncio.run(net.asafe_fetch("http://127.0.0.1/?key=s3cret"))
    finally:
        security_event.disconnect(dispatch_uid="test")
    assert [event["action"] for event in said] == ["fetch.refused"] * 2
    assert said[0]["outcome"] == "refused"
    assert "s3cret" not in str(said)
