"""The preset of a running site: what its visitors do not notice."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from bt_security.presets.csp_policy import content_security_policy
from bt_security.presets.environment import Environment, read_environment
from bt_security.presets.places import SECURITY, position, with_app, with_ours

X_FRAME_MIDDLEWARE = "django.middleware.clickjacking.XFrameOptionsMiddleware"


def adopt(
    *,
    MIDDLEWARE: Iterable[str],  # noqa: N803 - the names of the settings
    INSTALLED_APPS: Iterable[str],  # noqa: N803
    sessions: bool = False,
    environ: Mapping[str, str] | None = None,
    **overrides: Any,
) -> dict[str, Any]:
    """Return settings for a site that is in use, for `globals().update(...)`.

    Adds headers, a policy that only reports, and our middleware. Cookies, lifetimes, hashers,
    redirects and everything else keep the values of the site. `sessions=True` also takes our
    session engine: then `manage.py adopt_sessions` has to run before the site serves again.
    Of the environment only `BASE_URL`, `TRUST_PROXY`, `ALLOW_INTERNAL_NETWORK` and `SINGLE_USER`
    are used. Any other keyword is a setting whose value wins.

    Raises:
        ImproperlyConfigured: an environment variable is malformed; its value is not shown.
    """
    environment = read_environment(os.environ if environ is None else environ)
    names = list(MIDDLEWARE)
    return {
        "BT_SECURITY_FEATURES": ["headers", "csrf"] + ["sessions"] * sessions,
        "INSTALLED_APPS": with_app(INSTALLED_APPS),
        "MIDDLEWARE": with_ours(names),
        "BT_SECURITY_COOKIES_SECURE_BY_REQUEST": [],
        **_header_settings(names),
        **(_session_settings() if sessions else {}),
        **_site_settings(environment),
        **overrides,
    }


def _header_settings(middleware: list[str]) -> dict[str, Any]:
    """Return headers that break no page; those that Django sends already stay as they are."""
    policy = content_security_policy()
    del policy["DIRECTIVES"]["frame-ancestors"]  # X_FRAME_OPTIONS of the site goes on to decide
    found: dict[str, Any] = {
        "CONTENT_SECURITY_POLICY_REPORT_ONLY": policy,
        # Another site of the same owner may embed pictures, and a page may ask for a location.
        "BT_SECURITY_HEADERS_CROSS_ORIGIN_RESOURCE_POLICY": "",
        "BT_SECURITY_HEADERS_PERMISSIONS_POLICY": {},
    }
    if position(middleware, SECURITY) is None:
        found["SECURE_REFERRER_POLICY"] = "strict-origin-when-cross-origin"  # as browsers do
        found["SECURE_CROSS_ORIGIN_OPENER_POLICY"] = None  # pop-ups of a payment or a log-in
    if position(middleware, X_FRAME_MIDDLEWARE) is None:
        found["X_FRAME_OPTIONS"] = "SAMEORIGIN"
    return found


def _session_settings() -> dict[str, Any]:
    return {
        "SESSION_ENGINE": "bt_security.sessions.db",
        "BT_SECURITY_SESSIONS_IDLE_SECONDS": 0,
    }


def _site_settings(environment: Environment) -> dict[str, Any]:
    given = {
        "BT_SECURITY_SITE_BASE_URL": environment.base_url or None,
        "BT_SECURITY_SITE_SINGLE_USER": environment.single_user or None,
        "BT_SECURITY_NET_TRUST_PROXY": environment.trust_proxy,
        "BT_SECURITY_NET_ALLOW_INTERNAL_NETWORK": environment.allow_internal_network,
    }
    return {name: value for name, value in given.items() if value is not None}
