"""Whose word counts: what a proxy says about a request, and what anybody may have written."""

from __future__ import annotations

import re
from secrets import token_hex

from django.conf import settings
from django.http import HttpRequest

from bt_security.conf import conf
from bt_security.conf.net import Net, proxy_networks
from bt_security.net import parse_address
from bt_security.web.cookies import DROPPED_SCHEME

FORWARDED_SCHEME = "HTTP_X_FORWARDED_PROTO"
FORWARDED_ABOUT_THE_SITE = (
    FORWARDED_SCHEME,
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
)
REQUEST_ID_HEADER = "X-Request-ID"

ID_BYTES = 16

_WELL_FORMED_ID = re.compile(r"[A-Za-z0-9_.-]{8,128}")


def comes_from_trusted_proxy(request: HttpRequest) -> bool:
    """Whether `BT_SECURITY_NET_TRUST_PROXY` trusts the peer; a number of hops trusts any peer."""
    trusted = conf.net.trust_proxy
    if isinstance(trusted, int) or not trusted:
        return bool(trusted)
    peer = str(request.META.get("REMOTE_ADDR") or "")
    if not peer or peer.startswith("unix:"):
        return True  # a Unix socket leads to a proxy on this machine
    address = parse_address(peer)
    return address is not None and any(
        address in network for network in proxy_networks(tuple(trusted))
    )


def drop_untrusted_forwarding(request: HttpRequest) -> None:
    """Take scheme, host and port away that a peer without trust forwards.

    Only where the site says whom it trusts: without `BT_SECURITY_NET_TRUST_PROXY` Django's own
    settings decide alone, as they did before.
    """
    scheme_header, https = settings.SECURE_PROXY_SSL_HEADER or (FORWARDED_SCHEME, "https")
    names = {scheme_header, *FORWARDED_ABOUT_THE_SITE}
    # What has no such prefix comes from the server, not from the client.
    found = {name for name in names if name.startswith("HTTP_") and name in request.META}
    if not found or not Net.trust_proxy.is_set() or comes_from_trusted_proxy(request):
        return
    says_https = request.META.get(scheme_header) == https
    scheme = "https" if says_https else request.META.get(FORWARDED_SCHEME, "")
    setattr(request, DROPPED_SCHEME, scheme)
    for name in found:
        del request.META[name]


def request_id(request: HttpRequest) -> str:
    """Return the id that a trusted proxy gave, if it is well-formed, else a random one."""
    given = str(request.META.get("HTTP_X_REQUEST_ID", ""))
    if given and _WELL_FORMED_ID.fullmatch(given) and comes_from_trusted_proxy(request):
        return given
    return token_hex(ID_BYTES)
