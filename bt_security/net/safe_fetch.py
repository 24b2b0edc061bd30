"""The one HTTP client of the package: it goes only where a server may safely go."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypedDict, Unpack, cast
from urllib.parse import quote, urljoin

from asgiref.sync import sync_to_async

from bt_security.exceptions import FetchFailed, FetchRefused
from bt_security.net.bodies import read_body
from bt_security.net.deadline import Deadline, DeadlineSocket, dial_address
from bt_security.net.targets import Resolve, Target, judge, resolve_by_system
from bt_security.signals import report
from bt_security.types import Address

Dial = Callable[[Address, int, float], socket.socket]

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OWN_HEADERS = frozenset(
    {"connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding"}
)
_BODY_HEADERS = frozenset({"content-encoding", "content-type"})
_KEPT_ACROSS_HOSTS = frozenset({"accept", "accept-language", "user-agent"}) | _BODY_HEADERS
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_SAFE_IN_LOCATION = "%/:=&?~+!$,;'@()*[]#"


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: final `url`, `status`, `headers` by lower-case name, whole `content`."""

    url: str = field(repr=False)
    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)

    def json(self) -> Any:
        """Return the content as JSON.

        Raises:
            FetchFailed: it is not JSON in UTF-8.
        """
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            raise FetchFailed("the answer is not JSON") from None


class FetchOptions(TypedDict, total=False):
    """The keyword arguments of `safe_fetch`."""

    method: str
    headers: Mapping[str, str] | None
    body: bytes | None
    timeout_seconds: float
    max_response_bytes: int
    max_redirects: int


@lru_cache(maxsize=1)
def system_trust() -> ssl.SSLContext:
    """Return the TLS context that trusts what the system trusts; made once per process."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """One request and its limits; `resolve`, `dial` and `trust` are its ways to the network."""

    url: str = field(repr=False)
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    deadline: Deadline
    max_response_bytes: int = 1_000_000
    max_redirects: int = 3
    resolve: Resolve = resolve_by_system
    dial: Dial = dial_address
    trust: Callable[[], ssl.SSLContext] = system_trust

    def run(self) -> Response:
        """Follow redirects, each judged anew, and return the last answer."""
        _judge_request(self.method, self.headers)
        fetch, target = self, judge(self.url, resolve=self.resolve)
        for _ in range(self.max_redirects + 1):
            response = fetch._exchange(target)
            location = response.headers.get("location")
            if response.status not in _REDIRECTS or location is None:
                return response
            fetch, target = fetch._redirected(target, response.status, location)
        raise FetchFailed(f"more than {self.max_redirects} redirects")

    def _redirected(self, target: Target, status: int, location: str) -> tuple[Fetch, Target]:
        # A header arrives as Latin-1; the bytes that are no ASCII are meant as they are.
        url = urljoin(self.url, quote(location, safe=_SAFE_IN_LOCATION, encoding="latin-1"))
        following = judge(url, resolve=self.resolve)
        if target.scheme == "https" and following.scheme != "https":
            raise FetchRefused("a redirect leaves https")
        method, body, headers = self.method, self.body, dict(self.headers)
        if (status == 303 and method != "HEAD") or (status in {301, 302} and method == "POST"):
            method, body = "GET", None
            headers = {k: v for k, v in headers.items() if k.lower() not in _BODY_HEADERS}
        if following.origin != target.origin:
            if body is not None:
                raise FetchRefused("a redirect would carry the body to another host")
            headers = {k: v for k, v in headers.items() if k.lower() in _KEPT_ACROSS_HOSTS}
        return replace(self, url=url, method=method, body=body, headers=headers), following

    def _exchange(self, target: Target) -> Response:
        try:
            with self._connect(target) as connected:
                return self._ask(target, connected)
        except (OSError, http.client.HTTPException) as error:
            raise FetchFailed(f"the exchange failed ({type(error).__name__})") from None

    def _connect(self, target: Target) -> socket.socket:
        """Connect to the first judged address that answers, each with its share of the time."""
        failure: OSError = ConnectionError()
        for left, address in zip(
            range(len(target.addresses), 0, -1), target.addresses, strict=True
        ):
            share = Deadline(self.deadline.remaining_seconds() / left)
            try:
                connected = self.dial(address, target.port, share.remaining_seconds())
                if target.scheme == "http":
                    return connected
                return self._secure(connected, target, share)
            except OSError as error:
                failure = error
        raise failure

    def _secure(self, connected: socket.socket, target: Target, share: Deadline) -> socket.socket:
        try:
            connected.settimeout(share.remaining_seconds())
            return self.trust().wrap_socket(connected, server_hostname=target.host)
        except OSError:
            connected.close()
            raise

    def _ask(self, target: Target, connected: socket.socket) -> Response:
        connection = http.client.HTTPConnection(target.host, target.port)
        connection.auto_open = 0
        connection.sock = cast(socket.socket, DeadlineSocket(connected, self.deadline))
        defaults = {
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "User-Agent": "django-bt-security",
        }
        given = {name.lower() for name in self.headers}
        kept = {name: text for name, text in defaults.items() if name.lower() not in given}
        headers = {"Host": target.authority, "Connection": "close", **kept, **self.headers}
        connection.request(self.method, target.path, body=self.body, headers=headers)
        with connection.getresponse() as answer:
            content = read_body(answer, max_bytes=self.max_response_bytes)
            return Response(self.url, answer.status, _by_name(answer), content)


def _by_name(answer: http.client.HTTPResponse) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, text in answer.getheaders():
        name = name.lower()
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def _judge_request(method: str, headers: Mapping[str, str]) -> None:
    if method not in METHODS:
        raise FetchRefused("the method is not one of HTTP's usual ones")
    for name, text in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(text):
            raise FetchRefused("a header holds a character that headers may not have")
        if name.lower() in _OWN_HEADERS:
            raise FetchRefused(f"the header {name} is not for callers to set")


def safe_fetch(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    timeout_seconds: float = 10.0,
    max_response_bytes: int = 1_000_000,
    max_redirects: int = 3,
) -> Response:
    """Fetch `url` if it leads to the internet or to an allowed target.

    Every address the name resolves to is judged, one of the judged addresses is connected to,
    TLS is checked against the name, and each redirect is judged again. `timeout_seconds` bounds
    the whole exchange, though a name look-up that has begun ends by the resolver's own limits;
    `max_response_bytes` bounds the unpacked body. A status of 400 or more is no error. A refusal
    is reported as `fetch.refused`.

    Raises:
        FetchRefused: the URL, a header or an address is not allowed.
        FetchFailed: the exchange failed, took too long or was too large.
    """
    try:
        return _fetched(
            url,
            method=method,
            headers=headers,
            body=body,
            timeout_seconds=timeout_seconds,
            max_response_bytes=max_response_bytes,
            max_redirects=max_redirects,
        )
    except FetchRefused as refused:
        _report(refused)
        raise


async def asafe_fetch(url: str, **options: Unpack[FetchOptions]) -> Response:
    """Do what `safe_fetch` does in a thread of its own, without blocking the event loop."""
    try:
        return await asyncio.to_thread(_fetched, url, **options)
    except FetchRefused as refused:
        await sync_to_async(_report)(refused)
        raise


def _report(refused: FetchRefused) -> None:
    report("fetch.refused", outcome="refused", details={"reason": str(refused)})


def _fetched(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    timeout_seconds: float = 10.0,
    max_response_bytes: int = 1_000_000,
    max_redirects: int = 3,
) -> Response:
    fetch = Fetch(
        url=url,
        method=method,
        headers=dict(headers or {}),
        body=body,
        deadline=Deadline(timeout_seconds),
        max_response_bytes=max_response_bytes,
        max_redirects=max_redirects,
    )
    return fetch.run()
