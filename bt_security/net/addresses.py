"""IP addresses in one form, and the judgement how far each of them reaches.

The networks are listed here and not asked of `ipaddress`, whose answers differ between releases of
Python. Source: the IANA special-purpose address registries for IPv4 and IPv6.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Literal

from bt_security.types import Address, Network

Reach = Literal["public", "private", "reserved", "never"]
"""Where an address leads: the internet, somebody's own network, nowhere, or never to be used."""

IPV6_BUCKET_BITS = 64
"""A household or a host usually gets a whole /64: limits count it as one."""

_NAT64 = IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = IPv6Network("::/96")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")
_ISATAP_MARKS = frozenset({0x0000_5EFE, 0x0200_5EFE})

_NEVER: tuple[Network, ...] = (
    IPv4Network("0.0.0.0/8"),
    IPv4Network("127.0.0.0/8"),
    IPv4Network("169.254.0.0/16"),
    # Metadata services that clouds have outside of link-local addresses.
    IPv4Network("100.100.100.200/32"),
    IPv4Network("168.63.129.16/32"),
    IPv4Network("192.0.0.192/32"),
    IPv6Network("fd00:42::42/128"),
    IPv6Network("fd00:ec2::254/128"),
    IPv6Network("fd20:ce::254/128"),
    IPv6Network("::/128"),
    IPv6Network("::1/128"),
    IPv6Network("fe80::/10"),
)
_PRIVATE: tuple[Network, ...] = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv6Network("fc00::/7"),
)
_ORDINARY: tuple[Network, ...] = (
    IPv4Network("0.0.0.0/0"),
    IPv6Network("2000::/3"),
    _NAT64,  # how a host without IPv4 reaches it; the embedded address is judged by itself
)
_RESERVED: tuple[Network, ...] = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.0.2.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("198.18.0.0/15"),
    IPv4Network("198.51.100.0/24"),
    IPv4Network("203.0.113.0/24"),
    IPv4Network("224.0.0.0/4"),
    IPv4Network("240.0.0.0/4"),
    IPv6Network("2001::/23"),
    IPv6Network("2001:db8::/32"),
    IPv6Network("2002::/16"),
    IPv6Network("3fff::/20"),
)


@lru_cache(maxsize=1024)  # a client comes back, and limits and history ask again
def parse_address(text: str) -> Address | None:
    """Return the address in a header or socket tuple, None if there is none.

    Port, brackets and IPv6 zone are dropped; an IPv4-mapped IPv6 address becomes IPv4.
    """
    host, port = _without_port(text.strip())
    is_zoned = "%" in host and ":" in host
    try:
        address = ip_address(host.partition("%")[0] if is_zoned else host)
    except ValueError:
        return None
    is_port = port.isascii() and port.isdigit()
    return canonical(address) if is_port or not port else None


def _without_port(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, closing, rest = text[1:].partition("]")
        is_whole = bool(closing) and ":" in host and rest[:1] in {"", ":"} and rest != ":"
        return (host, rest[1:]) if is_whole else ("", "")
    if text.count(":") != 1:
        return text, ""
    host, _, port = text.partition(":")
    return (host, port) if port else ("", "")


def canonical(address: Address) -> Address:
    """Return an IPv4-mapped IPv6 address as IPv4, any other one as it is."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def bucket(address: str) -> str:
    """Return what limits count an address under: IPv4 as it is, IPv6 by its /64 network.

    "" stands for every request without an address, as `client_ip` returns it.
    """
    parsed = parse_address(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, IPV6_BUCKET_BITS), strict=False))
    return str(parsed) if parsed is not None else ""


def embedded_ipv4(address: Address) -> list[IPv4Address]:
    """Return every IPv4 address that an IPv6 address may stand for on the way.

    Source: RFC 4291 section 2.5.5 (mapped, compatible), RFC 2765 (translated), RFC 6052 and
    RFC 8215 (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo), RFC 5214 (ISATAP).
    """
    if isinstance(address, IPv4Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    is_translated = any(
        address in network for network in (_NAT64, _LOCAL_NAT64, _COMPATIBLE, _TRANSLATED)
    )
    if is_translated or (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP_MARKS:
        found.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    return [embedded for embedded in found if embedded is not None]


def reach_of(address: Address) -> Reach:
    """Return where an address leads.

    "never" is what no setting allows: loopback, link-local, metadata services, "this host", and
    every IPv6 form of an IPv4 address that is not public itself.
    """
    if _is_in(address, _NEVER):
        return "never"
    if any(reach_of(embedded) != "public" for embedded in embedded_ipv4(address)):
        return "never"
    if _is_in(address, _PRIVATE):
        return "private"
    is_public = _is_in(address, _ORDINARY) and not _is_in(address, _RESERVED)
    return "public" if is_public else "reserved"


def is_public(address: Address) -> bool:
    """Whether it is an ordinary address of the internet."""
    return reach_of(address) == "public"


def _is_in(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)
