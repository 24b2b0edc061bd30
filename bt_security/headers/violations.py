"""Reads what browsers report, and keeps of it only what may be stored."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from csp.utils import DEFAULT_DIRECTIVES
from django.urls import Resolver404, get_script_prefix, resolve

from bt_security.models.csp_report import BLOCKED_MAX, PAGE_MAX, Violation

REPORTS_PER_BODY_MAX = 20
UNKNOWN = "(unknown)"
CSP_REPORT = "application/csp-report"
REPORTS_JSON = "application/reports+json"
CONTENT_TYPES = frozenset({CSP_REPORT, REPORTS_JSON})

_WORDS = frozenset(
    {"inline", "eval", "wasm-eval", "self", "data", "blob", "filesystem", "trusted-types-policy"}
    | {"trusted-types-sink", "about"}
)


class MalformedReport(ValueError):
    """The body is no report."""


def read_violations(body: bytes, content_type: str) -> list[Violation]:
    """Return the violations in a body of one of `CONTENT_TYPES`.

    Reports of other kinds, and those of directives that do not exist, are left out; so is what
    comes after `REPORTS_PER_BODY_MAX` reports.

    Raises:
        MalformedReport: no JSON, or not of the documented form.

    Source: Content Security Policy Level 3, section 5; W3C Reporting API, section 3.3.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedReport from None
    if content_type == CSP_REPORT:
        reports = [_renamed(_object(_object(document).get("csp-report")))]
    else:
        reports = _of_csp(document)
    found = [_violation(report) for report in reports[:REPORTS_PER_BODY_MAX]]
    return [violation for violation in found if violation is not None]


def _of_csp(document: Any) -> list[dict[str, Any]]:
    if not isinstance(document, list):
        raise MalformedReport
    entries = [_object(entry) for entry in document]
    return [_object(entry.get("body")) for entry in entries if entry.get("type") == "csp-violation"]


def _renamed(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report of the older form with the names of the newer one."""
    return {
        "effectiveDirective": report.get("effective-directive") or report.get("violated-directive"),
        "blockedURL": report.get("blocked-uri"),
        "documentURL": report.get("document-uri"),
        "disposition": report.get("disposition"),
    }


def _violation(report: dict[str, Any]) -> Violation | None:
    directive = _text(report.get("effectiveDirective")).partition(" ")[0]
    if directive not in DEFAULT_DIRECTIVES:
        return None
    is_report_only = report.get("disposition") == "report"
    return Violation(
        directive=directive,
        blocked=_origin(_text(report.get("blockedURL"))),
        page=_pattern(_text(report.get("documentURL"))),
        disposition="report" if is_report_only else "enforce",
    )


def _origin(url: str) -> str:
    """Return scheme, host and port of a URL, or the word that stands in its place."""
    if url in _WORDS:
        return url
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return UNKNOWN
    if not host:
        return parts.scheme if parts.scheme in _WORDS else UNKNOWN
    shown = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{f':{port}' if port else ''}"
    is_clean = shown.isascii() and shown.isprintable() and len(shown) <= BLOCKED_MAX
    return shown if is_clean else UNKNOWN


def _pattern(url: str) -> str:
    """Return the URL pattern that a page's address leads to.

    The address itself may hold a token or a name, and a forged report could invent any number.
    """
    try:
        path = urlsplit(url).path or "/"
        route = resolve("/" + path.removeprefix(get_script_prefix())).route
    except (Resolver404, ValueError):
        return UNKNOWN
    return f"/{route}"[:PAGE_MAX]


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedReport
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
