"""Checks of Django's CSRF settings while the feature `csrf` is on."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.module_loading import import_string

from bt_security.checks.features import is_on
from bt_security.checks.finding import finding

FAILURE_VIEW = "bt_security.csrf.failure"


def check_middleware(**_: Any) -> list[CheckMessage]:
    """Report that nothing checks tokens (E110), or that it is too early to (E111)."""
    if not is_on("csrf"):
        return []
    checker, sessions = _place_of(CsrfViewMiddleware), _place_of(SessionMiddleware)
    if checker is None:
        return [
            finding(
                "E110",
                "django.middleware.csrf.CsrfViewMiddleware is not in MIDDLEWARE: no request is "
                "checked.",
                hint="Put it after SessionMiddleware and before AuthenticationMiddleware.",
            )
        ]
    if settings.CSRF_USE_SESSIONS and (sessions is None or sessions > checker):
        return [
            finding(
                "E111",
                "CSRF_USE_SESSIONS keeps the token in the session, and CsrfViewMiddleware comes "
                "before SessionMiddleware.",
                hint="Put SessionMiddleware first.",
            )
        ]
    return []


def check_cookies_from_other_sites(**_: Any) -> list[CheckMessage]:
    """Report cookies that browsers refuse: `SameSite=None` without `Secure` (E112)."""
    if not is_on("csrf"):
        return []
    return [
        finding(
            "E112",
            f"{kind}_COOKIE_SAMESITE is None without {kind}_COOKIE_SECURE: browsers drop such a "
            "cookie.",
            hint=f'Set {kind}_COOKIE_SECURE = True, or {kind}_COOKIE_SAMESITE = "Lax".',
        )
        for kind in ("SESSION", "CSRF")
        if str(getattr(settings, f"{kind}_COOKIE_SAMESITE")).lower() == "none"
        and not getattr(settings, f"{kind}_COOKIE_SECURE")
    ]


def check_failure_view(**_: Any) -> list[CheckMessage]:
    """Report refusals that a program cannot read (W110)."""
    if not is_on("csrf") or settings.CSRF_FAILURE_VIEW == FAILURE_VIEW:
        return []
    return [
        finding(
            "W110",
            f"CSRF_FAILURE_VIEW is {settings.CSRF_FAILURE_VIEW}: refusals are neither JSON for "
            "API clients nor reported to the audit log.",
            hint=f'Set CSRF_FAILURE_VIEW = "{FAILURE_VIEW}".',
        )
    ]


def check_readable_cookie(**_: Any) -> list[CheckMessage]:
    """Report a CSRF cookie that scripts can read (W111)."""
    if not is_on("csrf") or settings.CSRF_USE_SESSIONS or settings.CSRF_COOKIE_HTTPONLY:
        return []
    return [
        finding(
            "W111",
            "CSRF_COOKIE_HTTPONLY is off: every script of the page can read the CSRF cookie.",
            hint="Set it, and let clients fetch the token from api/auth/csrf-token.",
        )
    ]


CSRF_CHECKS = (check_middleware, check_cookies_from_other_sites)
CSRF_DEPLOY_CHECKS = (check_failure_view, check_readable_cookie)


def _place_of(kind: type) -> int | None:
    """Return where in MIDDLEWARE a class or one derived from it stands."""
    for place, path in enumerate(settings.MIDDLEWARE):
        try:
            found = import_string(path)
        except ImportError:
            continue  # Django says so when it starts
        if isinstance(found, type) and issubclass(found, kind):
            return place
    return None
