"""Checks of the provider that tells where addresses are."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.core.checks import CheckMessage
from django.utils.module_loading import import_string

from bt_security.checks.finding import finding
from bt_security.conf import conf
from bt_security.conf.geo import OWN_PROVIDERS


def check_own_provider(**_: Any) -> list[CheckMessage]:
    """Report a provider that is neither of the package nor a class that can be imported (E170)."""
    name = _provider()
    if not name or name in OWN_PROVIDERS:
        return []
    try:
        found = import_string(name)
    except (ImportError, TypeError, ValueError):  # the latter two: a path that begins with a dot
        found = None
    if callable(found) and (not isinstance(found, type) or hasattr(found, "lookup")):
        return []
    return [
        finding(
            "E170",
            f'BT_SECURITY_GEO_PROVIDER: {name!r} is neither "maxmind" nor "ip-api" nor a class '
            "with `lookup` that can be imported.",
            hint='Write it like "bills.places.Provider"; None asks nobody.',
        )
    ]


def check_maxmind_package(**_: Any) -> list[CheckMessage]:
    """Report that the package which reads MaxMind's files is missing (E171)."""
    if _provider() != "maxmind" or find_spec("maxminddb") is not None:
        return []
    text = 'BT_SECURITY_GEO_PROVIDER is "maxmind", and maxminddb is not installed.'
    return [finding("E171", text, hint='Run `pip install "django-bt-security[geoip]"`.')]


def check_maxmind_files(**_: Any) -> list[CheckMessage]:
    """Report databases of places that cannot be read (E172)."""
    if _provider() != "maxmind":
        return []
    hint = "Name a .mmdb file by its whole path that the site's account may read."
    paths = {"CITY": conf.geo.maxmind_city_file, "ISP": conf.geo.maxmind_isp_file}
    return [
        finding("E172", f"BT_SECURITY_GEO_MAXMIND_{kind}_FILE: {fault}.", hint=hint)
        for kind, path in paths.items()
        if (fault := _fault_of_file(path, is_needed=kind == "CITY"))
    ]


def check_ip_api(**_: Any) -> list[CheckMessage]:
    """Report a service that is never asked: without HTTPS (E173), or with no address (E174)."""
    if _provider() != "ip-api":
        return []
    if not _is_plain_url(conf.geo.ip_api_base_url()):
        text = "BT_SECURITY_GEO_IP_API_URL is no address of a service."
        return [finding("E174", text, hint='Write it like "https://places.example.com/json".')]
    if _is_encrypted() or conf.geo.ip_api_allow_plain_http:
        return []
    return [
        finding(
            "E173",
            'BT_SECURITY_GEO_PROVIDER is "ip-api", which is asked without HTTPS, and that is not '
            "allowed: no address is looked up.",
            hint="Set BT_SECURITY_GEO_IP_API_KEY, which comes with HTTPS, or "
            "BT_SECURITY_GEO_IP_API_ALLOW_PLAIN_HTTP = True.",
        )
    ]


def check_plain_http(**_: Any) -> list[CheckMessage]:
    """Report that addresses of users travel unencrypted (W170)."""
    if _provider() != "ip-api" or _is_encrypted() or not conf.geo.ip_api_allow_plain_http:
        return []
    return [
        finding(
            "W170",
            "BT_SECURITY_GEO_IP_API_ALLOW_PLAIN_HTTP: addresses of users are sent to a service "
            "unencrypted, and whoever is on the way can change its answers.",
            hint='Set BT_SECURITY_GEO_IP_API_KEY, or use "maxmind", which asks nobody.',
        )
    ]


GEO_CHECKS = (check_own_provider, check_maxmind_package, check_maxmind_files, check_ip_api)
GEO_DEPLOY_CHECKS = (check_plain_http,)


def _provider() -> str:
    """Return the provider, "" where there is none or a setting is refused: E001 speaks of it."""
    if any(declared.fault() for declared in conf.geo.iter_settings()):
        return ""
    return conf.geo.provider or ""


def _is_encrypted() -> bool:
    return conf.geo.ip_api_base_url().lower().startswith("https://")


def _is_plain_url(text: str) -> bool:
    """Whether a text is scheme, host and path alone, as the address is put behind it."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    is_clean = not (parts.query or parts.fragment or parts.username or parts.password)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and is_clean


def _fault_of_file(path: str, *, is_needed: bool) -> str:
    if not path:
        return "no file is named" if is_needed else ""
    is_readable = os.path.isfile(path) and os.access(path, os.R_OK)
    return "" if os.path.isabs(path) and is_readable else f"{path} cannot be read"
