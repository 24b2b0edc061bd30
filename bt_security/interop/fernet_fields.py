"""Opens values of django-fernet-fields-v2 0.9 and djfernet 0.8.1: Fernet tokens in binary columns.

Settings: `FERNET_KEYS` (without it `SECRET_KEY`), `FERNET_USE_HKDF`, and for djfernet
`DJFERNET_PREFIX`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import lru_cache

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.core.exceptions import ImproperlyConfigured

from bt_security.exceptions import NotSealed
from bt_security.interop.fernet_token import is_token, open_token
from bt_security.interop.old_settings import secret_keys, secret_list, setting
from bt_security.interop.stored_form import Stored, bytes_of, text_of

__all__ = ["HAS_PREFIX", "NAME", "is_foreign", "open_foreign"]

NAME = "django-fernet-fields-v2, djfernet"
HAS_PREFIX = False  # a plaintext may begin like a Fernet token

_DEFAULT_PREFIX = b"django-fernet-fields"


def is_foreign(stored: Stored) -> bool:
    """Tell whether `stored` has the shape of a Fernet token, as bytes or as text."""
    return _token_of(stored) is not None


def open_foreign(stored: Stored, *, internal_type: str) -> object:
    """Return bytes for "BinaryField", otherwise text for the field's codec.

    On SQLite and MySQL the old package wrote aware times in UTC without their offset.

    Raises:
        NotSealed: not a Fernet token.
        WrongKey: no key opens it, or it was changed.
        Tampered: it opened and is not text.
        ImproperlyConfigured: `FERNET_KEYS` is empty or malformed.
    """
    token = _token_of(stored)
    if token is None:
        raise NotSealed(detail=f"not a value of {NAME}")
    opened = open_token(token, _keys())
    if internal_type == "BinaryField":
        return opened
    return text_of(opened)


def _token_of(stored: Stored) -> bytes | None:
    token = bytes_of(stored)
    return token if token is not None and is_token(token) else None


def _keys() -> Iterator[Fernet]:
    listed = secret_keys() if setting("FERNET_KEYS", None) is None else secret_list("FERNET_KEYS")
    if not setting("FERNET_USE_HKDF", True):
        return map(_raw_key, listed)
    prefix = setting("DJFERNET_PREFIX", _DEFAULT_PREFIX)
    if not isinstance(prefix, bytes):
        raise ImproperlyConfigured("DJFERNET_PREFIX must be bytes")
    return (_derived_key(key, prefix) for key in listed)


@lru_cache(maxsize=64)
def _derived_key(key: bytes, prefix: bytes) -> Fernet:
    salt = prefix + b"-hkdf-salt"
    derived = HKDF(hashes.SHA256(), length=32, salt=salt, info=prefix).derive(key)
    return Fernet(base64.urlsafe_b64encode(derived))


def _raw_key(key: bytes) -> Fernet:
    try:
        return Fernet(key)
    except ValueError:
        message = "with FERNET_USE_HKDF = False each key is 32 bytes in URL-safe base64"
        raise ImproperlyConfigured(message) from None
