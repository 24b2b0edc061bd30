"""Keys that hang on `SECRET_KEY`: for session ids, their content, and the keys of limits."""

from __future__ import annotations

from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

Secret = str | bytes

KEY_BYTES = 32


def derived_keys(label: bytes) -> tuple[bytes, ...]:
    """Return a key of 32 bytes for one use: that of `SECRET_KEY`, then those of the fallbacks.

    HKDF-SHA-256 with an empty salt and `label` as info. What is made now is made with the first;
    the others open what was made before `SECRET_KEY` was changed.

    Source: RFC 5869 sections 2.2 and 2.3.
    """
    return _derive((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS), label)


@lru_cache(maxsize=32)
def _derive(secrets: tuple[Secret, ...], label: bytes) -> tuple[bytes, ...]:
    return tuple(_hkdf(_as_bytes(secret), label) for secret in secrets)


def _hkdf(secret: bytes, label: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=label).derive(secret)


def _as_bytes(secret: Secret) -> bytes:
    return secret if isinstance(secret, bytes) else secret.encode("utf-8")
