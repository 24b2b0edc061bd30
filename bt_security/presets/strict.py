"""The preset of a new site: every feature on, and the strict value of each setting."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from bt_security.presets.cookies import cookie_settings
from bt_security.presets.csp_policy import content_security_policy
from bt_security.presets.environment import Environment, read_environment
from bt_security.presets.password_lists import HASHERS, VALIDATORS
from bt_security.presets.places import with_app, with_djangos, with_ours

FEATURES = (
    *("sessions", "headers", "csrf", "ratelimit"),
    *("passwords", "history", "audit", "accounts"),
)
HOUR_SECONDS = 3_600
LIFETIME_SECONDS = 7 * 24 * HOUR_SECONDS
IDLE_SECONDS = 12 * HOUR_SECONDS
HSTS_SECONDS = 31_536_000
HEALTH_PATHS = (r"^api/health$",)
"""Paths, without the first slash, that answer by plain HTTP: those who ask follow no redirect."""

LIMITED_BACKEND = "bt_security.ratelimit.LimitedBackend"
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


def strict(
    *,
    MIDDLEWARE: Iterable[str],  # noqa: N803 - the names of the settings
    INSTALLED_APPS: Iterable[str],  # noqa: N803
    AUTHENTICATION_BACKENDS: Iterable[str] = (MODEL_BACKEND,),  # noqa: N803
    environ: Mapping[str, str] | None = None,
    **overrides: Any,
) -> dict[str, Any]:
    """Return settings with every feature on, for `globals().update(...)` in a settings file.

    The three lists come back with what is missing in them. `environ` (default: `os.environ`) is
    read as `VARIABLES` says. Any other keyword is a setting whose value wins; `X_FRAME_OPTIONS`
    also decides who may frame a page by the content security policy.

    Raises:
        ImproperlyConfigured: an environment variable is malformed; its value is not shown.
    """
    environment = read_environment(os.environ if environ is None else environ)
    frame_options = overrides.get("X_FRAME_OPTIONS", "SAMEORIGIN")
    return {
        "BT_SECURITY_FEATURES": list(FEATURES),
        "INSTALLED_APPS": with_app(INSTALLED_APPS),
        "MIDDLEWARE": with_ours(with_djangos(MIDDLEWARE)),
        "AUTHENTICATION_BACKENDS": _limited(AUTHENTICATION_BACKENDS),
        **_password_settings(),
        **_session_settings(environment),
        **cookie_settings(environment),
        **_transport_settings(environment),
        **_header_settings(frame_options, force_https=environment.force_https),
        **_site_settings(environment),
        **overrides,
    }


def _limited(backends: Iterable[str]) -> list[str]:
    return [LIMITED_BACKEND, *(name for name in backends if name != LIMITED_BACKEND)]


def _password_settings() -> dict[str, Any]:
    return {
        "PASSWORD_HASHERS": list(HASHERS),
        "AUTH_PASSWORD_VALIDATORS": [{"NAME": name} for name in VALIDATORS],
        "BT_SECURITY_PASSWORDS_CHANGE_URL": "bt_security:password",
    }


def _session_settings(environment: Environment) -> dict[str, Any]:
    hours = environment.session_lifetime_hours
    return {
        "SESSION_ENGINE": "bt_security.sessions.db",
        "SESSION_COOKIE_AGE": LIFETIME_SECONDS if hours is None else hours * HOUR_SECONDS,
        "BT_SECURITY_SESSIONS_IDLE_SECONDS": IDLE_SECONDS,
    }


def _transport_settings(environment: Environment) -> dict[str, Any]:
    trusted = environment.trust_proxy or 0
    return {
        "SECURE_HSTS_SECONDS": HSTS_SECONDS if environment.is_https else 0,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": environment.hsts_include_subdomains,
        "SECURE_SSL_REDIRECT": environment.force_https,
        "SECURE_REDIRECT_EXEMPT": list(HEALTH_PATHS),
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https") if trusted else None,
        "BT_SECURITY_NET_TRUST_PROXY": trusted,
        "BT_SECURITY_NET_ALLOW_INTERNAL_NETWORK": environment.allow_internal_network or False,
    }


def _header_settings(frame_options: str, *, force_https: bool) -> dict[str, Any]:
    return {
        "X_FRAME_OPTIONS": frame_options,
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_REFERRER_POLICY": "strict-origin-when-cross-origin",
        "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
        "CONTENT_SECURITY_POLICY": content_security_policy(
            frame_options=frame_options, force_https=force_https
        ),
        "CSRF_FAILURE_VIEW": "bt_security.csrf.failure",
    }


def _site_settings(environment: Environment) -> dict[str, Any]:
    found = {
        "BT_SECURITY_SITE_BASE_URL": environment.base_url,
        "BT_SECURITY_SITE_SINGLE_USER": environment.single_user,
    }
    if environment.session_secret:
        found["SECRET_KEY"] = environment.session_secret
    return found
