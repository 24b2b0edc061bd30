"""The settings that `presets.strict` would change on this site, each with its consequence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags
from django.core.checks import register as register_check

from bt_security.checks import finding
from bt_security.checks.features import features_on
from bt_security.presets import strict

CONSEQUENCES = {
    "BT_SECURITY_FEATURES": "features that are off do nothing",
    "MIDDLEWARE": "middleware is missing or in another place",
    "AUTHENTICATION_BACKENDS": "log-ins are limited only in views that say so",
    "PASSWORD_HASHERS": "new passwords are not hashed by bcrypt-SHA256; old hashes go on to work",
    "AUTH_PASSWORD_VALIDATORS": "weaker new passwords are taken; existing ones stay",
    "SESSION_ENGINE": "session keys lie in the store as they are; run adopt_sessions to change",
    "SESSION_COOKIE_AGE": "sessions live longer than 7 days",
    "BT_SECURITY_SESSIONS_IDLE_SECONDS": "a session that nobody uses for 12 hours goes on",
    "SESSION_COOKIE_NAME": "the cookie is not bound to host and https by its name; list the old "
    "name in BT_SECURITY_COOKIES_OLD_NAMES and nobody is logged out",
    "SESSION_COOKIE_SAMESITE": "the cookie also comes with requests from other sites; Strict "
    "makes the first click from there anonymous",
    "SESSION_COOKIE_PATH": "the cookie has another path, which a __Host- name forbids",
    "SESSION_COOKIE_DOMAIN": "subdomains get the session cookie",
    "CSRF_COOKIE_NAME": "the cookie is not bound to host and https by its name; scripts that "
    "read it have to change with it",
    "CSRF_COOKIE_HTTPONLY": "scripts can read the cookie; those that do have to ask "
    "api/auth/csrf-token then",
    "CSRF_COOKIE_SAMESITE": "the cookie also comes with requests from other sites",
    "CSRF_COOKIE_PATH": "the cookie has another path, which a __Host- name forbids",
    "CSRF_COOKIE_DOMAIN": "subdomains get the CSRF cookie and can set it",
    "BT_SECURITY_COOKIES_SECURE_BY_REQUEST": "a cookie that is sent by https is not Secure",
    "X_FRAME_OPTIONS": "other sites can show the pages in a frame",
    "SECURE_REFERRER_POLICY": "links tell other sites more, or less, than the origin",
    "SECURE_CROSS_ORIGIN_OPENER_POLICY": "pages of other sites keep a handle on the window; "
    "same-origin breaks log-ins in a pop-up",
    "CONTENT_SECURITY_POLICY": "injected scripts run; with the policy, inline ones need the nonce",
    "CSRF_FAILURE_VIEW": "API clients get a page in the place of a code",
}
"""Setting to what its present value means for the site, or what the strict one would break."""

DJANGO_REPORTS = frozenset(
    {
        "CSRF_COOKIE_SECURE",
        "SECURE_CONTENT_TYPE_NOSNIFF",
        "SECURE_HSTS_INCLUDE_SUBDOMAINS",
        "SECURE_HSTS_SECONDS",
        "SECURE_SSL_REDIRECT",
        "SESSION_COOKIE_HTTPONLY",
        "SESSION_COOKIE_SECURE",
    }
)
"""Settings that Django's own deploy checks speak of."""

OPERATORS = frozenset(
    {
        "BT_SECURITY_NET_ALLOW_INTERNAL_NETWORK",
        "BT_SECURITY_NET_TRUST_PROXY",
        "BT_SECURITY_PASSWORDS_CHANGE_URL",
        "BT_SECURITY_SITE_BASE_URL",
        "BT_SECURITY_SITE_SINGLE_USER",
        "INSTALLED_APPS",
        "SECURE_PROXY_SSL_HEADER",
        "SECURE_REDIRECT_EXEMPT",
    }
)
"""Settings whose value depends on the installation, or without which this would not run."""

STRONG_HASHERS = ("BCryptSHA256PasswordHasher", "Argon2PasswordHasher", "ScryptPasswordHasher")


def check_strict(**_: Any) -> list[CheckMessage]:
    """List in one finding what `presets.strict` would change (W079).

    Silent on a site without features: it uses the encrypted fields alone.
    """
    if not features_on():
        return []
    lines = [f"{name}: {CONSEQUENCES[name]}" for name in _different()]
    if not lines:
        return []
    return [
        finding(
            "W079",
            "presets.strict would change:\n        " + "\n        ".join(lines),
            hint="Take the settings one by one, or the preset as a whole.",
        )
    ]


def register() -> None:
    """Register the check for `check --deploy`; twice is harmless."""
    register_check(check_strict, "bt_security", Tags.security, deploy=True)


def _different() -> Iterator[str]:
    for name, wanted in _strict_here().items():
        if name in DJANGO_REPORTS or name in OPERATORS:
            continue
        is_met = _MET.get(name, _is_equal)
        if not is_met(getattr(settings, name, None), wanted):
            yield name


def _strict_here() -> Mapping[str, Any]:
    """Return `strict` for the lists and the transport that the site has, without environment."""
    return strict(
        MIDDLEWARE=settings.MIDDLEWARE,
        INSTALLED_APPS=settings.INSTALLED_APPS,
        AUTHENTICATION_BACKENDS=settings.AUTHENTICATION_BACKENDS,
        environ={"COOKIE_SECURE": "true"} if settings.SESSION_COOKIE_SECURE else {},
    )


def _is_equal(current: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return list(current or ()) == wanted
    return bool(current == wanted) or (not current and not wanted)


def _has_all(current: Any, wanted: list[str]) -> bool:
    return set(wanted) <= set(current or ())


def _is_at_most(current: Any, wanted: int) -> bool:
    return isinstance(current, int) and 0 < current <= wanted


def _is_ours(current: Any, _: str) -> bool:
    return str(current).startswith("bt_security.sessions.")


def _is_strong(current: Any, _: list[str]) -> bool:
    return bool(current) and str(current[0]).endswith(STRONG_HASHERS)


def _has_rules(current: Any, _: list[dict[str, str]]) -> bool:
    return any(str(entry.get("NAME")).startswith("bt_security.passwords.") for entry in current)


def _is_set(current: Any, _: Any) -> bool:
    return bool(current)


def _keeps_others_out(current: Any, _: str) -> bool:
    return str(current).upper() in ("SAMEORIGIN", "DENY")


def _names_host(current: Any, wanted: str) -> bool:
    return not wanted.startswith("__Host-") or str(current).startswith("__Host-")


_MET: dict[str, Callable[[Any, Any], bool]] = {
    "BT_SECURITY_FEATURES": _has_all,
    "BT_SECURITY_COOKIES_SECURE_BY_REQUEST": _has_all,
    "PASSWORD_HASHERS": _is_strong,
    "AUTH_PASSWORD_VALIDATORS": _has_rules,
    "SESSION_ENGINE": _is_ours,
    "SESSION_COOKIE_AGE": _is_at_most,
    "BT_SECURITY_SESSIONS_IDLE_SECONDS": _is_at_most,
    "SESSION_COOKIE_NAME": _names_host,
    "CSRF_COOKIE_NAME": _names_host,
    "X_FRAME_OPTIONS": _keeps_others_out,
    "CONTENT_SECURITY_POLICY": _is_set,
    "SECURE_REFERRER_POLICY": _is_set,
}
"""When a value that is not the strict one is as good."""
