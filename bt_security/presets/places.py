"""Where each middleware belongs, and the lists with ours put in."""

from __future__ import annotations

from collections.abc import Iterable

EDGE = "bt_security.middleware.EdgeMiddleware"
ACCOUNT = "bt_security.middleware.AccountMiddleware"
SECURITY = "django.middleware.security.SecurityMiddleware"
SESSION = "django.contrib.sessions.middleware.SessionMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"

APP = "bt_security"

_DJANGOS = (SECURITY, SESSION, CSRF, AUTHENTICATION)
"""What the features rest on, outermost first."""


def with_ours(middleware: Iterable[str]) -> list[str]:
    """Return the list with both of ours in their places, once each; the others keep their order.

    `EdgeMiddleware` comes first and `AccountMiddleware` right after `AuthenticationMiddleware`,
    or after a subclass of the same name. Without either, the latter is left out.
    """
    names = [name for name in middleware if name not in (EDGE, ACCOUNT)]
    place = position(names, AUTHENTICATION)
    if place is not None:
        names.insert(place + 1, ACCOUNT)
    return [EDGE, *names]


def with_djangos(middleware: Iterable[str]) -> list[str]:
    """Return the list with those of Django that are missing, each after the one it rests on."""
    names = list(middleware)
    after = -1
    for wanted in _DJANGOS:
        place = position(names, wanted)
        if place is None:
            names.insert(after + 1, wanted)
            place = after + 1
        after = max(after, place)
    return names


def with_app(installed_apps: Iterable[str]) -> list[str]:
    """Return the list with this package in it."""
    names = list(installed_apps)
    is_there = any(name == APP or name.startswith(f"{APP}.") for name in names)
    return names if is_there else [*names, APP]


def position(names: list[str], wanted: str) -> int | None:
    """Return where a middleware, or a subclass of the same name, stands; None if nowhere."""
    kind = wanted.rpartition(".")[2]
    found = (place for place, name in enumerate(names) if name.rpartition(".")[2] == kind)
    return next(found, None)
