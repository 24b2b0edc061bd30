"""What leads people to the change of their password, and the check of it."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core.checks import CheckMessage
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch

from bt_security.checks import finding
from bt_security.checks.middleware import ACCOUNT, is_class
from bt_security.checks.ratelimit import LIMITED_BACKEND
from bt_security.conf import conf


def faults() -> list[str]:
    """Return why nobody would be led to the change, or locked out by it; empty if all is well.

    Raises:
        ImproperlyConfigured: one of our own settings is refused.
    """
    return list(_faults())


def check() -> list[CheckMessage]:
    """Report that temporary passwords can be given, and nothing ends them (E063)."""
    hint = "docs/passwords.md has all that temporary passwords need."
    return [finding("E063", f"Temporary passwords: {fault}.", hint=hint) for fault in faults()]


def change_path() -> str:
    """Return the path of the page where people change their password.

    Raises:
        NoReverseMatch: the setting names no URL.
    """
    return resolve_url(conf.passwords.change_url)


def _faults() -> Iterator[str]:
    if not conf.has_feature("passwords"):
        yield 'the feature "passwords" is off'
    first = next(iter(settings.AUTHENTICATION_BACKENDS), "")
    if not is_class(first, LIMITED_BACKEND):
        yield f"{LIMITED_BACKEND} is not the first of AUTHENTICATION_BACKENDS"
    if not any(is_class(name, ACCOUNT) for name in settings.MIDDLEWARE):
        yield f"{ACCOUNT} is not in MIDDLEWARE"
    if not _is_path_of_this_site():
        yield "BT_SECURITY_PASSWORDS_CHANGE_URL names no page of this site"


def _is_path_of_this_site() -> bool:
    try:
        path = change_path()
    except NoReverseMatch:
        return False
    return path.startswith("/") and not path.startswith("//")
