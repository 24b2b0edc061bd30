"""Check of the sessions that impersonation needs; E074 speaks of its middleware."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage

from bt_security.checks.finding import finding
from bt_security.checks.sessions import CACHE_ENGINE, DATABASE_ENGINE
from bt_security.conf import conf
from bt_security.conf.impersonation import Impersonation


def check_engine(**_: Any) -> list[CheckMessage]:
    """Report that impersonation is on with sessions that cannot carry who acts (E094)."""
    if Impersonation.enabled.fault() is not None or not conf.impersonation.enabled:
        return []  # E001 speaks of a fault
    if settings.SESSION_ENGINE in (DATABASE_ENGINE, CACHE_ENGINE):
        return []
    return [
        finding(
            "E094",
            f"BT_SECURITY_IMPERSONATION_ENABLED is on, and SESSION_ENGINE is "
            f"{settings.SESSION_ENGINE!r}: nobody can act as another account.",
            hint=f"Set SESSION_ENGINE to {DATABASE_ENGINE!r} or {CACHE_ENGINE!r}, or leave the "
            "setting off.",
        )
    ]


IMPERSONATION_CHECKS = (check_engine,)
