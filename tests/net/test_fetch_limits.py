"""Bounds of size and time, and servers that break the protocol."""

from __future__ import annotations

import gzip
import socket
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_security.exceptions import FetchFailed, FetchRefused
from tests.net.loopback import Network, answer, read_request

pytestmark = pytest.mark.once

URL = "http://files.example.com/"
BOMB = gzip.compress(b"\0" * 50_000_000)
HEAD = b"HTTP/1.1 200 OK\r\n"


def packed(encoding: str, content: bytes) -> bytes:
    return answer(content, f"Content-Encoding: {encoding}")


def test_an_answer_may_have_the_bytes_allowed(network, serve):
    serve(answer(b"x" * 1_000))
    assert len(network.fetch(URL, max_response_bytes=1_000).content) == 1_000


@pytest.mark.parametrize(
    "sent",
    [
        answer(b"x" * 1_001),
        HEAD + b"\r\n" + b"x" * 1_001,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1_001 + b"\r\n0\r\n\r\n",
        packed("gzip", gzip.compress(b"x" * 1_001)),
        packed("deflate", zlib.compress(b"x" * 1_001)),
        packed("gzip", BOMB),
    ],
    ids=["length", "to the end", "chunked", "gzip", "deflate", "bomb"],
)
def test_one_byte_more_after_unpacking_is_a_failure(network, serve, sent):
    serve(sent)
    with pytest.raises(FetchFailed, match="longer than 1000 bytes"):
        network.fetch(URL, max_response_bytes=1_000)


@pytest.mark.parametrize(
    "sent",
    [
        packed("gzip", gzip.compress(b"content")),
        packed("X-GZIP", gzip.compress(b"content")),
        packed("deflate", zlib.compress(b"content")),
        packed("identity", b"content"),
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\ncon\r\n4;x=y\r\ntent\r\n0\r\nA: b\r\n\r\n",
    ],
    ids=["gzip", "x-gzip", "deflate", "identity", "chunked"],
)
def test_content_is_unpacked(network, serve, sent):
    serve(sent)
    assert network.fetch(URL).content == b"content"


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (packed("br", b"content"), "unknown content encoding"),
        (packed("gzip, gzip", b"content"), "unknown content encoding"),
        (packed("gzip", b"content"), "not what its content encoding says"),
        (packed("gzip", gzip.compress(b"content")[:-4]), "cut short"),
        (packed("gzip", gzip.compress(b"content") + b"more"), "goes on after"),
        (HEAD + b"Content-Length: 9\r\n\r\ncontent", "cut short"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\ncontent", "IncompleteRead"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\ncontent", "IncompleteRead"),
        (b"", "RemoteDisconnected"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "BadStatusLine"),
        (HEAD + b"X: " + b"y" * 70_000, "LineTooLong"),
        (HEAD + b"X: y\r\n" * 200, "HTTPException"),
    ],
)
def test_a_broken_answer_is_a_failure(network, serve, sent, reason):
    serve(sent)
    with pytest.raises(FetchFailed, match=reason):
        network.fetch(URL)


def drip(pieces):
    """Return a script that sends a piece every 20 ms for as long as the client listens."""

    def script(connection: socket.socket) -> None:
        read_request(connection)
        for piece in pieces():
            connection.sendall(piece)
            time.sleep(0.02)

    return script


def endless(start: bytes, piece: bytes):
    def pieces():
        yield start
        while True:
            yield piece

    return pieces


@pytest.mark.parametrize(
    "pieces",
    [
        endless(b"", b"H"),
        endless(HEAD + b"X: ", b"y"),
        endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        endless(HEAD + b"\r\n", b"x"),
        endless(HEAD + b"Content-Length: 100000\r\n\r\n", b"x"),
        endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n"),
    ],
    ids=["status", "header", "continue", "to the end", "length", "chunks", "trailers"],
)
def test_a_server_that_sends_byte_by_byte_is_left_at_the_deadline(network, serve, pieces):
    serve(drip(pieces))
    start = time.monotonic()
    with pytest.raises(FetchFailed, match="TimeoutError"):
        network.fetch(URL, timeout_seconds=0.4)
    assert 0.3 < time.monotonic() - start < 3


def silent(connection: socket.socket) -> None:
    """Take the connection and neither read nor write until the client gives up."""
    time.sleep(1)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("body", [None, b"x" * 30_000_000])
def test_a_silent_server_is_left_at_the_deadline(network, serve, scheme, body):
    serve(silent)
    start = time.monotonic()
    with pytest.raises(FetchFailed, match="TimeoutError"):
        network.fetch(
            f"{scheme}://files.example.com/", method="POST", body=body, timeout_seconds=0.3
        )
    assert time.monotonic() - start < 3


def test_a_deadline_that_is_over_connects_to_nothing(network):
    with pytest.raises(FetchFailed, match="TimeoutError"):
        network.fetch(URL, timeout_seconds=0)
    assert network.dialled == []


def test_each_address_gets_its_share_of_the_time(network):
    network.names["files.example.com"] = ["8.8.8.8", "9.9.9.9"]
    shares = []

    def dial(address, port, timeout_seconds):
        shares.append(timeout_seconds)
        raise TimeoutError

    with pytest.raises(FetchFailed, match="TimeoutError"):
        network.fetch(URL, dial=dial, timeout_seconds=10)
    assert shares == [pytest.approx(5, abs=0.5), pytest.approx(10, abs=0.5)]


def test_an_address_that_is_silent_in_the_handshake_leaves_the_next_its_share(network, serve):
    network.names["files.example.com"] = ["8.8.8.8", "9.9.9.9"]
    serve(silent)
    with pytest.raises(FetchFailed, match="TimeoutError"):
        network.fetch("https://files.example.com/", timeout_seconds=0.6)
    assert network.dialled == ["8.8.8.8", "9.9.9.9"]


def test_a_handshake_byte_by_byte_is_left_at_the_deadline(network, serve):
    def drip_handshake(connection: socket.socket) -> None:
        connection.sendall(b"\x16\x03\x03\x40\x00")
        while True:
            connection.sendall(b"\x02")
            time.sleep(0.02)

    serve(drip_handshake)
    start = time.monotonic()
    with pytest.raises(FetchFailed, match="TimeoutError"):
        network.fetch("https://files.example.com/", timeout_seconds=0.4)
    assert 0.3 < time.monotonic() - start < 3


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_connection_that_comes_too_late_is_closed(network, scheme):
    near, far = socket.socketpair()

    def dial(address, port, timeout_seconds):
        time.sleep(0.06)
        return near

    with far, pytest.raises(FetchFailed, match="TimeoutError"):
        network.fetch(f"{scheme}://files.example.com/", dial=dial, timeout_seconds=0.05)
    assert near.fileno() == -1


PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: ",
        b"Content-Length: ",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b"-5\r\n",
        b"7\r\n",
        gzip.compress(b"content"),
    ]
)


@given(st.lists(PIECES | st.binary(max_size=20), max_size=12))
def test_any_bytes_are_an_answer_or_a_failure(pieces):
    near, far = socket.socketpair()
    with near, far:
        far.sendall(b"".join(pieces))
        far.shutdown(socket.SHUT_WR)
        try:
            Network().fetch(URL, dial=lambda *_: near, max_redirects=0)
        except (FetchFailed, FetchRefused):  # the second: a redirect to nowhere
            return
