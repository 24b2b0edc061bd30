"""Checks of `MIDDLEWARE`: what the features that are on need there, and in which order."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from bt_security.checks.finding import finding
from bt_security.conf import conf

EDGE = "bt_security.middleware.EdgeMiddleware"
ACCOUNT = "bt_security.middleware.AccountMiddleware"
SESSION = "django.contrib.sessions.middleware.SessionMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"

SINGLE_USER = "single-user mode"
IMPERSONATION = "impersonation"

NEEDED_BY = {
    EDGE: ("headers", "csrf", "sessions", "ratelimit", "history", "audit"),
    ACCOUNT: (SINGLE_USER, IMPERSONATION),
    SESSION: ("sessions", "accounts"),
    AUTHENTICATION: (SINGLE_USER, IMPERSONATION, "accounts"),
}
HINTS = {
    EDGE: "Make it the first line of MIDDLEWARE.",
    ACCOUNT: f"Put it right after {AUTHENTICATION}.",
    SESSION: "Put it before everything that reads the session.",
    AUTHENTICATION: f"Put it after {SESSION}.",
}


def check_middleware_is_there(**_: Any) -> list[CheckMessage]:
    """Report middleware that a feature which is on cannot do without (E074)."""
    in_use = _in_use()
    found = []
    for name, needing in NEEDED_BY.items():
        wanted = [feature for feature in needing if feature in in_use]
        if wanted and not _places(name):
            text = f"{name} is not in MIDDLEWARE, and {', '.join(wanted)} cannot work without it."
            found.append(finding("E074", text, hint=HINTS[name]))
    return found


def check_middleware_order(**_: Any) -> list[CheckMessage]:
    """Report our middleware in the wrong place, or there twice (E075)."""
    edge, account = _places(EDGE), _places(ACCOUNT)
    wrong = {}
    if edge and edge[0] != 0:
        wrong[EDGE] = "is not the first line of MIDDLEWARE: what stands before it gets no headers"
    if account and not _follows_authentication(account[0]):
        wrong[ACCOUNT] = "does not stand right after AuthenticationMiddleware"
    for name, places in ((EDGE, edge), (ACCOUNT, account)):
        if len(places) > 1:
            wrong[name] = "stands in MIDDLEWARE twice"
    return [finding("E075", f"{name} {why}.", hint=HINTS[name]) for name, why in wrong.items()]


MIDDLEWARE_CHECKS = (check_middleware_is_there, check_middleware_order)


def _in_use() -> list[str]:
    try:
        modes = {SINGLE_USER: conf.site.single_user, IMPERSONATION: conf.impersonation.enabled}
        return [*conf.features, *(name for name, is_on in modes.items() if is_on)]
    except ImproperlyConfigured:
        return []  # E001 and E002 speak of it


def _follows_authentication(place: int) -> bool:
    return place - 1 in _places(AUTHENTICATION)


def _places(wanted: str) -> list[int]:
    """Return where a middleware, or a class derived from it, stands."""
    return [place for place, name in enumerate(settings.MIDDLEWARE) if is_class(name, wanted)]


def is_class(name: str, wanted: str) -> bool:
    """Whether a dotted path names this class, or one derived from it."""
    if name == wanted:
        return True
    try:
        found, base = import_string(name), import_string(wanted)
    except ImportError:
        return False  # Django says so when it starts
    return isinstance(found, type) and issubclass(found, base)
