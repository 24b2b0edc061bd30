"""The address of the client: one answer for limits, history and audit."""

from __future__ import annotations

import logging
from functools import cache

from django.http import HttpRequest

from bt_security.conf import conf
from bt_security.conf.net import proxy_networks
from bt_security.net.addresses import parse_address
from bt_security.types import Address, Network

logger = logging.getLogger("bt_security.net")

_ATTRIBUTE = "_bt_security_client_ip"


def client_ip(request: HttpRequest) -> str:
    """Return the client's address in canonical text, "" if there is none.

    `X-Forwarded-For` is read from right to left, past the proxies that
    `BT_SECURITY_NET_TRUST_PROXY` trusts: a number of hops, or their networks. What stands left
    of the answer is the client's own word and is never used. Computed once per request.

    Raises:
        ImproperlyConfigured: the setting is malformed.
    """
    known: str | None = getattr(request, _ATTRIBUTE, None)
    if known is None:
        known = _resolve(request)
        setattr(request, _ATTRIBUTE, known)
    return known


def has_untrusted_forwarding(request: HttpRequest) -> bool:
    """Whether the request names a forwarded address although no proxy is trusted."""
    return "HTTP_X_FORWARDED_FOR" in request.META and not conf.net.trust_proxy


def _resolve(request: HttpRequest) -> str:
    if has_untrusted_forwarding(request):
        _warn_of_untrusted_forwarding()
    address = _choose(_chain(request), conf.net.trust_proxy)
    if address is None:
        logger.error(
            "A request has no client address: its peer is a Unix socket without a trusted proxy, "
            "or a proxy named no address. Check BT_SECURITY_NET_TRUST_PROXY."
        )
        return ""
    return str(address)


@cache
def _warn_of_untrusted_forwarding() -> None:
    """Log it; `cache` makes that once per process."""
    logger.warning(
        "X-Forwarded-For arrives, and BT_SECURITY_NET_TRUST_PROXY trusts no proxy: the header is "
        "ignored. Behind a proxy all clients have its address until the setting names it."
    )


def _chain(request: HttpRequest) -> list[str]:
    """Return the addresses on the way, the peer last; "" is a peer on a Unix socket."""
    forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", ""))
    peer = str(request.META.get("REMOTE_ADDR") or "")
    entries = (entry.strip() for entry in forwarded.split(","))
    return [*filter(None, entries), "" if peer.startswith("unix:") else peer]


def _choose(chain: list[str], trusted: int | list[str]) -> Address | None:
    if isinstance(trusted, int):
        return parse_address(chain[max(len(chain) - 1 - trusted, 0)])
    return _first_untrusted(chain, proxy_networks(tuple(trusted)))


def _first_untrusted(chain: list[str], networks: tuple[Network, ...]) -> Address | None:
    """Walk from the peer to the left; a Unix socket leads to a proxy on this machine."""
    if networks and not chain[-1]:
        chain = chain[:-1]
    nearest: Address | None = None
    for text in reversed(chain):
        nearest = parse_address(text)
        if nearest is None or not any(nearest in network for network in networks):
            break
    return nearest
