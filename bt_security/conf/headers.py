"""Settings of the response headers that Django has no setting for."""

from __future__ import annotations

import re

from django.core.exceptions import ImproperlyConfigured

from bt_security.conf._declare import Section, Setting, setting

_FEATURE = re.compile(r"[a-z][a-z0-9-]*")
_ORIGIN = re.compile(r"(https?|wss?)://(\*\.)?[a-zA-Z0-9.-]+(:[0-9]{1,5})?")
_TOKENS = ("self", "src")


class Headers(Section, prefix="HEADERS"):
    """Fixed headers, and the reports of the content security policy."""

    cross_domain_policies = setting(
        "none",
        choices=("", "none", "master-only", "by-content-type", "all"),
        help="`X-Permitted-Cross-Domain-Policies`, for Flash and PDF readers; empty = no header.",
    )
    cross_origin_resource_policy = setting(
        "same-origin",
        choices=("", "same-origin", "same-site", "cross-origin"),
        help="`Cross-Origin-Resource-Policy`: which sites may embed what this one serves; "
        "empty = no header.",
    )
    permissions_policy: Setting[dict[str, list[str]]] = setting(
        {
            "accelerometer": [],
            "camera": [],
            "display-capture": [],
            "geolocation": [],
            "gyroscope": [],
            "magnetometer": [],
            "microphone": [],
            "midi": [],
            "payment": [],
            "usb": [],
        },
        shape=dict[str, list[str]],
        help="`Permissions-Policy`: browser feature to who may use it: `[]` nobody, "
        '`["self"]`, `["*"]`, or origins; `{}` = no header.',
    )
    xss_protection = setting(
        "",
        choices=("", "0", "1", "1; mode=block"),
        help="`X-XSS-Protection`, which today's browsers ignore; empty = no header.",
    )
    collect_csp_reports = setting(
        False,
        help="Have browsers report violations of the content security policy to this site, "
        "which counts them.",
    )
    csp_report_rows_per_day = setting(
        1_000,
        minimum=10,
        maximum=100_000,
        help="Different violations that are counted apart in a day; the others are one row.",
    )
    csp_report_kept_days = setting(
        30, minimum=1, maximum=3_650, help="Days for which counted violations are kept."
    )


def permissions_policy_text(features: dict[str, list[str]]) -> str:
    """Return the value of the `Permissions-Policy` header, "" for no features.

    Raises:
        ImproperlyConfigured: a name is no feature, or an entry neither `*`, `self`, `src` nor
            an origin.

    Source: W3C Permissions Policy, section 5.2.
    """
    return ", ".join(f"{_feature(name)}={_allow_list(who)}" for name, who in features.items())


def _feature(name: str) -> str:
    if not _FEATURE.fullmatch(name):
        raise ImproperlyConfigured(
            f"BT_SECURITY_HEADERS_PERMISSIONS_POLICY: {name!r} is no name of a browser feature."
        )
    return name


def _allow_list(entries: list[str]) -> str:
    if entries == ["*"]:
        return "*"
    return f"({' '.join(map(_allowed, entries))})"


def _allowed(entry: str) -> str:
    if entry in _TOKENS:
        return entry
    if not _ORIGIN.fullmatch(entry):
        raise ImproperlyConfigured(
            f"BT_SECURITY_HEADERS_PERMISSIONS_POLICY: {entry!r} is neither self, src, nor an "
            'origin like "https://maps.example.com"; "*" stands alone.'
        )
    return f'"{entry}"'
