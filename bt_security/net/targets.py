"""Which places a fetch may connect to."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import SplitResult, quote, urlsplit

from bt_security.conf import conf
from bt_security.conf.net import AllowedTarget, host_name, target_rules
from bt_security.exceptions import FetchFailed, FetchRefused
from bt_security.net.addresses import canonical, parse_address, reach_of
from bt_security.types import Address

Resolve = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host as text; OSError if it has none."""

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_URL_CHARACTERS = 8_192

_INTERNAL_NAMES = ("home.arpa", "internal", "lan", "local", "localdomain", "localhost")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_SAFE_IN_PATH = "%/:=&?~+!$,;'@()*[]"


class Target(NamedTuple):
    """A judged place: parts of its URL and the addresses that may be connected to, in order."""

    scheme: str
    host: str
    port: int
    path: str
    addresses: tuple[Address, ...]

    def __repr__(self) -> str:
        return f"Target({self.scheme}://{self.authority})"  # the path may hold a secret

    @property
    def origin(self) -> tuple[str, str, int]:
        """What decides whether credentials may follow."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """The value of the `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(answer[4][0]) for answer in found]


def judge(url: str, *, resolve: Resolve = resolve_by_system) -> Target:
    """Return where `url` leads, if it may be connected to.

    Every address of the name is judged; one that is refused refuses the whole name.

    Raises:
        FetchRefused: scheme, credentials in the URL, name or one of its addresses.
        FetchFailed: the name does not resolve.
    """
    parts = _split(url)
    host = _host(parts.hostname or "")
    port = DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port
    rules = [rule for rule in _rules() if rule.port in {None, port}]
    _judge_name(host, rules)
    addresses = _addresses(host, port, resolve)
    for address in addresses:
        _judge_address(host, address, rules)
    path = quote(parts.path or "/", safe=_SAFE_IN_PATH)
    query = f"?{quote(parts.query, safe=_SAFE_IN_PATH)}" if parts.query else ""
    return Target(parts.scheme, host, port, path + query, addresses)


def _split(url: str) -> SplitResult:
    if len(url) > MAX_URL_CHARACTERS:
        raise FetchRefused("the URL is too long")
    if any(character <= " " or character == "\x7f" for character in url):
        raise FetchRefused("the URL holds white space or control characters")
    try:
        url.encode("utf-8")
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise FetchRefused("the URL is malformed") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise FetchRefused("only http and https URLs are fetched")
    if parts.username is not None or parts.password is not None:
        raise FetchRefused("the URL holds credentials")
    if port == 0 or not parts.hostname:
        raise FetchRefused("the URL names no host or no port")
    return parts


def _host(text: str) -> str:
    """Return the host in canonical form: an address, or a name in ASCII without a final dot."""
    if ":" in text:
        address = parse_address(f"[{text}]")
        if address is None or "%" in text:
            raise FetchRefused("the host is no address")
        return str(address)
    host = host_name(text)
    is_number = _NUMBER.fullmatch(host.rpartition(".")[2])
    if not host or (is_number and parse_address(host) is None):
        # Octal, hexadecimal and short forms of an address mean different places to different
        # readers, so nobody who is honest writes them.
        raise FetchRefused("the host name is malformed")
    return host


def _addresses(host: str, port: int, resolve: Resolve) -> tuple[Address, ...]:
    literal = parse_address(host)
    if literal is not None:
        return (literal,)
    try:
        found = [canonical(ip_address(text.partition("%")[0])) for text in resolve(host, port)]
    except (OSError, ValueError):
        raise FetchFailed("the host name does not resolve") from None
    if not found:
        raise FetchFailed("the host name does not resolve")
    return tuple(dict.fromkeys(found))


def _rules() -> Sequence[AllowedTarget]:
    return target_rules(tuple(conf.net.allowed_targets))


def _judge_name(host: str, rules: Sequence[AllowedTarget]) -> None:
    is_internal = any(host == name or host.endswith(f".{name}") for name in _INTERNAL_NAMES)
    if is_internal and not conf.net.allow_internal_network and not _is_named(host, rules):
        raise FetchRefused(
            "the host has a name of a private network; BT_SECURITY_NET_ALLOWED_TARGETS can list it"
        )


def _judge_address(host: str, address: Address, rules: Sequence[AllowedTarget]) -> None:
    reach = reach_of(address)
    if reach == "never":
        raise FetchRefused("the host is this machine, link-local or a metadata service")
    is_listed = _is_named(host, rules) or any(
        rule.network is not None and address in rule.network for rule in rules
    )
    is_allowed = reach == "private" and conf.net.allow_internal_network
    if reach != "public" and not is_listed and not is_allowed:
        raise FetchRefused(
            f"the host is in a {reach} network; BT_SECURITY_NET_ALLOWED_TARGETS can list it"
        )


def _is_named(host: str, rules: Sequence[AllowedTarget]) -> bool:
    return any(rule.host == host for rule in rules)
