"""The settings of both cookies, from one decision about Secure."""

from __future__ import annotations

from typing import Any

from bt_security.presets.environment import Environment

SESSION_NAME = "bt_session"
CSRF_NAME = "bt_csrf_token"
HOST_PREFIX = "__Host-"


def cookie_settings(environment: Environment) -> dict[str, Any]:
    """Return `SESSION_COOKIE_*`, `CSRF_COOKIE_*` and which of the two a request decides about."""
    session_secure = environment.is_secure
    csrf_secure = session_secure if environment.csrf_secure is None else environment.csrf_secure
    decided = {"session": session_secure, "csrf": csrf_secure}
    return {
        "SESSION_COOKIE_NAME": _prefixed(SESSION_NAME, is_secure=session_secure),
        "SESSION_COOKIE_SECURE": session_secure is True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Strict",
        "SESSION_COOKIE_PATH": "/",
        "SESSION_COOKIE_DOMAIN": None,
        "CSRF_COOKIE_NAME": environment.csrf_cookie_name
        or _prefixed(CSRF_NAME, is_secure=csrf_secure),
        "CSRF_COOKIE_SECURE": csrf_secure is True,
        "CSRF_COOKIE_HTTPONLY": environment.csrf_http_only,
        "CSRF_COOKIE_SAMESITE": environment.csrf_same_site,
        "CSRF_COOKIE_PATH": "/",
        "CSRF_COOKIE_DOMAIN": None,
        "BT_SECURITY_COOKIES_SECURE_BY_REQUEST": [
            role for role, secure in decided.items() if secure is None
        ],
    }


def _prefixed(name: str, *, is_secure: bool | None) -> str:
    """Return the name that binds the cookie to host and TLS, where Secure is certain."""
    return f"{HOST_PREFIX}{name}" if is_secure else name
