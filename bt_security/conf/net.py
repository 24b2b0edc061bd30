"""Settings of the network: trusted proxies, and where the server itself may connect to."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Network, ip_address, ip_network
from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured

from bt_security.conf._declare import Section, Setting, setting
from bt_security.types import Network

_MAPPED = IPv6Network("::ffff:0:0/96")
_WITH_PORT = re.compile(r"(?:\[(?P<bracketed>[^\]]+)\]|(?P<plain>[^:]+))(?::(?P<port>[0-9]{1,5}))?")
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_MAX_PORT = 65_535


class Net(Section, prefix="NET"):
    """Whose word about the client's address counts, and the limits of `net.safe_fetch`."""

    trust_proxy: Setting[int | list[str]] = setting(
        0,
        shape=int | list[str],
        minimum=0,
        help="Proxies in front of the site whose `X-Forwarded-For` counts: how many, or their "
        'addresses and networks, for example `["10.0.0.0/8"]`. 0 = none, the header is ignored.',
    )
    allow_internal_network = setting(
        False,
        help="Let the site fetch from private networks. Loopback, link-local and metadata "
        "addresses stay refused.",
    )
    allowed_targets = setting(
        [],
        shape=list[str],
        help="Places in private networks that the site may fetch from: host name, address or "
        "network, the first two also with `:port`.",
    )


class AllowedTarget(NamedTuple):
    """One entry of `BT_SECURITY_NET_ALLOWED_TARGETS`: a name or a network, on any or one port."""

    host: str
    network: Network | None
    port: int | None


@lru_cache(maxsize=8)
def proxy_networks(entries: tuple[str, ...]) -> tuple[Network, ...]:
    """Return the networks that `BT_SECURITY_NET_TRUST_PROXY` lists.

    Raises:
        ImproperlyConfigured: an entry is no network, or it covers every address.
    """
    return tuple(_network("BT_SECURITY_NET_TRUST_PROXY", entry) for entry in entries)


@lru_cache(maxsize=8)
def target_rules(entries: tuple[str, ...]) -> tuple[AllowedTarget, ...]:
    """Return what `BT_SECURITY_NET_ALLOWED_TARGETS` lists.

    Raises:
        ImproperlyConfigured: an entry is neither name, address nor network.
    """
    return tuple(map(_target, entries))


def host_name(text: str) -> str:
    """Return a host name in lower-case ASCII without its final dot, "" if it is none."""
    try:
        name = text.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        return ""
    return name if _NAME.fullmatch(name) else ""


def _network(name: str, entry: str) -> Network:
    try:
        network = ip_network(entry)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}.") from None
    if network.prefixlen == 0:
        raise ImproperlyConfigured(f"{name}: {entry!r} is every address there is.")
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        raise ImproperlyConfigured(f"{name}: {entry!r} has to be written as IPv4.")
    return network


def _target(entry: str) -> AllowedTarget:
    name = "BT_SECURITY_NET_ALLOWED_TARGETS"
    if "/" in entry or _is_address(entry):
        return AllowedTarget("", _network(name, entry), None)
    match = _WITH_PORT.fullmatch(entry)
    port = int(match["port"]) if match and match["port"] else None
    if match is None or port == 0 or (port or 0) > _MAX_PORT:
        raise _malformed(name, entry)
    host = match["bracketed"] or match["plain"]
    if match["bracketed"] or _is_address(host):
        return AllowedTarget("", _network(name, host), port)
    if not host_name(host):
        raise _malformed(name, entry)
    return AllowedTarget(host_name(host), None, port)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _malformed(name: str, entry: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"{name}: {entry!r} is no host name, address or network, with `:port` or without."
    )
