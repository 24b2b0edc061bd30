"""Reads the settings that a replaced package had; the only place of `interop` that does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def setting(name: str, default: Any) -> Any:
    """Return the setting as the site has it, read live."""
    return getattr(settings, name, default)


def secret(name: str) -> bytes:
    """Return one secret text as bytes.

    Raises:
        ImproperlyConfigured: missing, empty, or neither text nor bytes.
    """
    return as_secret(name, setting(name, None))


def secret_list(name: str) -> list[bytes]:
    """Return a setting that holds one secret or a list of them, the first being the current one.

    Raises:
        ImproperlyConfigured: missing or empty, or an element is neither text nor bytes.
    """
    found = setting(name, None)
    listed = found if isinstance(found, (list, tuple)) else [found]
    return as_secrets(name, listed)


def secret_keys() -> list[bytes]:
    """Return `SECRET_KEY`, then `SECRET_KEY_FALLBACKS`.

    The replaced packages differ in whether they look at the fallbacks. For opening old values both
    always count, so that a site may change `SECRET_KEY` before it has moved every column.
    """
    return as_secrets("SECRET_KEY", [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS])


def as_secrets(name: str, listed: Iterable[object]) -> list[bytes]:
    """Turn the elements of one setting into bytes.

    Raises:
        ImproperlyConfigured: the list is empty, or an element is neither text nor bytes.
    """
    return [as_secret(name, element) for element in listed] or [as_secret(name, None)]


def as_secret(name: str, found: object) -> bytes:
    """Turn a secret into bytes, text by UTF-8.

    Raises:
        ImproperlyConfigured: it is empty, or neither text nor bytes.
    """
    if not found or not isinstance(found, (str, bytes)):
        raise ImproperlyConfigured(f"{name} must hold the key of the values that are to be opened")
    return found.encode() if isinstance(found, str) else found
