"""Checks of trusted proxies and of the limits of `net.safe_fetch`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from bt_security.checks.finding import finding
from bt_security.conf import conf
from bt_security.conf.net import Net, proxy_networks, target_rules


def check_proxies(**_: Any) -> list[CheckMessage]:
    """Report a trusted proxy that is no network, or every address there is (E060)."""
    if Net.trust_proxy.fault() is not None:
        return []  # E001 speaks of it
    trusted = conf.net.trust_proxy
    if isinstance(trusted, int):
        return []
    return _malformed("E060", proxy_networks, trusted, hint='Write it like "10.0.0.0/8".')


def check_targets(**_: Any) -> list[CheckMessage]:
    """Report an allowed target that is neither name, address nor network (E061)."""
    if Net.allowed_targets.fault() is not None:
        return []  # E001 speaks of it
    hint = 'Write it like "files.example.lan:8080", "192.168.1.5" or "10.1.0.0/16".'
    return _malformed("E061", target_rules, conf.net.allowed_targets, hint=hint)


def check_proxy_is_trusted(**_: Any) -> list[CheckMessage]:
    """Report a site behind a proxy whose word about the client's address is ignored (W060)."""
    if Net.trust_proxy.fault() is not None or conf.net.trust_proxy:
        return []
    names = ("SECURE_PROXY_SSL_HEADER", "USE_X_FORWARDED_HOST", "USE_X_FORWARDED_PORT")
    found = [name for name in names if getattr(settings, name)]
    if not found:
        return []
    return [
        finding(
            "W060",
            f"{' and '.join(found)} says that the site is behind a proxy, and "
            "BT_SECURITY_NET_TRUST_PROXY trusts none: all clients have the proxy's address.",
            hint="Set BT_SECURITY_NET_TRUST_PROXY to the number of proxies, or to their networks.",
        )
    ]


def check_internal_network(**_: Any) -> list[CheckMessage]:
    """Report that the site may fetch from every private network (W061)."""
    if Net.allow_internal_network.fault() is not None or not conf.net.allow_internal_network:
        return []
    return [
        finding(
            "W061",
            "BT_SECURITY_NET_ALLOW_INTERNAL_NETWORK lets the site fetch from every private "
            "network: who chooses a URL can reach what only the server should.",
            hint="List the places that are needed in BT_SECURITY_NET_ALLOWED_TARGETS instead.",
        )
    ]


NET_CHECKS = (check_proxies, check_targets)
NET_DEPLOY_CHECKS = (check_proxy_is_trusted, check_internal_network)


def _malformed(
    number: str, parse: Callable[[tuple[str, ...]], object], entries: list[str], *, hint: str
) -> list[CheckMessage]:
    found = []
    for entry in entries:
        try:
            parse((entry,))
        except ImproperlyConfigured as error:
            found.append(finding(number, str(error), hint=hint))
    return found
