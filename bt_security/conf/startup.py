"""What must be right before a process serves: operator keys and `SECRET_KEY`."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from bt_security.conf.keys import read_operator_keys

SECRET_KEY_MIN_BYTES = 32


def judge_environment() -> None:
    """Judge the form of the operator keys and of `SECRET_KEY`; touches no database.

    Raises:
        ImproperlyConfigured: names the variable and the rule, never a value.
    """
    read_operator_keys()
    judge_secret_key()


def judge_secret_key() -> None:
    """Judge `SECRET_KEY`: never empty, and at least 32 bytes of UTF-8 while `DEBUG` is off.

    Raises:
        ImproperlyConfigured: names the setting and its length, never its value.
    """
    length_bytes = _secret_key_bytes()
    if length_bytes is None:
        raise ImproperlyConfigured("SECRET_KEY must be a str or bytes.")
    if not settings.DEBUG and length_bytes < SECRET_KEY_MIN_BYTES:
        raise ImproperlyConfigured(
            f"SECRET_KEY has {length_bytes} bytes and needs at least {SECRET_KEY_MIN_BYTES} "
            "while DEBUG is off."
        )


def _secret_key_bytes() -> int | None:
    # Django itself refuses None and an empty value when the setting is read.
    secret: object = settings.SECRET_KEY
    if isinstance(secret, str):
        # "replace": a lone surrogate counts as one byte, and no error shows the text.
        return len(secret.encode("utf-8", "replace"))
    return len(secret) if isinstance(secret, bytes) else None
