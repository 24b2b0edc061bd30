"""Checks of the audit log's settings: what would keep entries from being kept, found or proved."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from bt_security.checks.directories import takes_files
from bt_security.checks.finding import finding
from bt_security.conf import conf
from bt_security.conf.audit import Audit
from bt_security.conf.audit_holds import parse_hold


def check_legal_holds(**_: Any) -> list[CheckMessage]:
    """Report legal holds that nobody understands (E160)."""
    if not _is_on() or Audit.legal_holds.fault() is not None:
        return []  # E001 speaks of the latter
    return [
        finding(
            "E160",
            f"BT_SECURITY_AUDIT_LEGAL_HOLDS: {fault}. Nothing is pruned or erased.",
            hint='Write "tenant:ID", "actor:ID", or a target like "bills.bill:ID".',
        )
        for text in conf.audit.legal_holds
        if (fault := _fault_of_hold(text))
    ]


def check_tenant(**_: Any) -> list[CheckMessage]:
    """Report a function for the tenant that cannot be loaded (E161)."""
    if not _is_on() or Audit.tenant.fault() is not None or not conf.audit.tenant:
        return []
    path = conf.audit.tenant
    try:
        is_usable = callable(import_string(path))
    except ImportError:
        is_usable = False
    if is_usable:
        return []
    text = f"BT_SECURITY_AUDIT_TENANT: {path!r} is no callable that can be imported."
    return [finding("E161", text, hint="Name a function that takes the request or None.")]


def check_anchor_url(**_: Any) -> list[CheckMessage]:
    """Report an address for anchors that is not https (E163)."""
    if not _is_on() or Audit.anchor_url.fault() is not None:
        return []
    url = conf.audit.anchor_url
    if not url or url.lower().startswith("https://"):
        return []
    text = "BT_SECURITY_AUDIT_ANCHOR_URL does not begin with https://."
    return [finding("E163", text, hint='Write it like "https://anchors.example.com/log".')]


def check_spool(**_: Any) -> list[CheckMessage]:
    """Report a spool that entries cannot be written to (E162)."""
    if not _is_on() or Audit.spool_dir.fault() is not None or not conf.audit.spool_dir:
        return []
    directory = conf.audit.spool_dir
    if takes_files(directory):
        return []
    return [
        finding(
            "E162",
            f"BT_SECURITY_AUDIT_SPOOL_DIR: entries cannot be written to {directory}.",
            hint="Name a directory by its whole path that the site's account may write to.",
        )
    ]


def check_anchors(**_: Any) -> list[CheckMessage]:
    """Report a log whose end can be cut off without a trace (W161)."""
    if not _is_on() or Audit.anchor_file.fault() or Audit.anchor_url.fault():
        return []
    if conf.audit.anchor_file or conf.audit.anchor_url:
        return []
    return [
        finding(
            "W161",
            "The heads of the audit log's seals are kept in the database only: who deletes its "
            "last seals and entries leaves no trace.",
            hint="Set BT_SECURITY_AUDIT_ANCHOR_FILE or BT_SECURITY_AUDIT_ANCHOR_URL, or collect "
            'the logger "bt_security.audit.anchor" elsewhere and silence this check.',
        )
    ]


def check_time_zones(**_: Any) -> list[CheckMessage]:
    """Report a site whose database takes no time with a zone (E165)."""
    if not _is_on() or settings.USE_TZ:
        return []
    text = "The audit log records times with a zone, and USE_TZ is False."
    return [finding("E165", text, hint="Set USE_TZ = True, which is Django's default.")]


AUDIT_CHECKS = (check_legal_holds, check_tenant, check_anchor_url, check_time_zones)
AUDIT_DEPLOY_CHECKS = (check_spool, check_anchors)


def _is_on() -> bool:
    try:
        return conf.has_feature("audit")
    except ImproperlyConfigured:
        return False  # E001 and E002 speak of it


def _fault_of_hold(text: str) -> str:
    try:
        parse_hold(text)
    except ValueError as error:
        return str(error)
    return ""
