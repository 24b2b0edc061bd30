"""Opens values of django-cryptography 1.1 and django-cryptography-5 2.0.3.

A value is 0x80, the time in 8 bytes, an IV, AES-CBC blocks and HMAC-SHA-256, all binary; the
content is a pickle. The HMAC key is `SECRET_KEY`; the AES key is PBKDF2 of `CRYPTOGRAPHY_KEY`
(without it `SECRET_KEY`) with `CRYPTOGRAPHY_SALT` and `CRYPTOGRAPHY_DIGEST`. Keys that models gave
as `key=…` are listed in `CRYPTOGRAPHY_FIELD_KEYS`.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.padding import PKCS7
from django.core.exceptions import ImproperlyConfigured

from bt_security.exceptions import NotSealed, OpenRefused, WrongKey
from bt_security.interop.fernet_token import IV_BYTES, MAC_BYTES, TIME_BYTES, has_fernet_layout
from bt_security.interop.old_settings import as_secret, as_secrets, secret_keys, setting
from bt_security.interop.plain_pickle import ForeignTypeRefused, load_plain, operations_of
from bt_security.interop.stored_form import Stored, bytes_of

__all__ = ["HAS_PREFIX", "NAME", "is_foreign", "open_foreign"]

NAME = "django-cryptography"
HAS_PREFIX = False  # binary columns hold anything

_ITERATIONS = 30_000
_AES_KEY_BYTES = (16, 24, 32)
_AES_BLOCK_BITS = 128
_DEFAULT_DIGEST = hashes.SHA256()
_DIGESTS: dict[str, hashes.HashAlgorithm] = {  # those as long as an AES key
    digest.name: digest
    for digest in (
        _DEFAULT_DIGEST,
        hashes.SHA512_256(),
        hashes.SHA3_256(),
        hashes.BLAKE2s(32),
        hashes.SM3(),
        hashes.MD5(),  # noqa: S303 -- reads what is there
    )
}
_IV_START = 1 + TIME_BYTES


def is_foreign(stored: Stored) -> bool:
    """Tell whether `stored` has the layout of the package, as bytes or as PostgreSQL's hex text."""
    return _signed_of(stored) is not None


def open_foreign(stored: Stored, *, internal_type: str) -> object:
    """Return the value that was pickled; a text in a "JSONField" as JSON text.

    The signature is checked before anything else is looked at. The content is read by a reader of
    plain values, never by `pickle`. A `ttl` of the old field is not applied.

    Raises:
        NotSealed: not the layout of this package.
        WrongKey: no key opens it, or it was changed.
        ForeignTypeRefused: it opened and holds a class that is not a plain value.
        ImproperlyConfigured: a `CRYPTOGRAPHY_…` setting is malformed.
    """
    raw = _signed_of(stored)
    if raw is None:
        raise NotSealed(detail=f"not a value of {NAME}")
    signed, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
    for secret_key in secret_keys():
        if hmac.compare_digest(hmac.digest(secret_key, signed, "sha256"), mac):
            value = _open_signed(signed, secret_key)
            is_json_text = internal_type == "JSONField" and isinstance(value, str)
            return json.dumps(value) if is_json_text else value
    raise WrongKey(detail="no SECRET_KEY has signed it, or it was changed")


def _signed_of(stored: Stored) -> bytes | None:
    raw = bytes_of(stored)
    return raw if raw is not None and has_fernet_layout(raw) else None


def _open_signed(signed: bytes, secret_key: bytes) -> object:
    refusal: OpenRefused = WrongKey(
        detail="SECRET_KEY has signed it, but the encryption key is another one"
    )
    for key in _cipher_keys(secret_key):
        operations = operations_of(_decrypted(signed[_IV_START:], key))
        try:
            if operations is not None:
                return load_plain(operations)
        except ForeignTypeRefused as error:  # a wrong key may by chance give the start of a pickle
            refusal = error
    raise refusal


def _cipher_keys(secret_key: bytes) -> Iterator[bytes]:
    configured = setting("CRYPTOGRAPHY_KEY", None)
    key = as_secret("CRYPTOGRAPHY_KEY", configured or secret_key)
    salt = as_secret("CRYPTOGRAPHY_SALT", setting("CRYPTOGRAPHY_SALT", "django-cryptography"))
    field_keys = setting("CRYPTOGRAPHY_FIELD_KEYS", ())
    candidates = [_derived_key(key, salt, _digest_name())]
    candidates.append(key)  # what the setting holds once the old package is imported
    candidates += as_secrets("CRYPTOGRAPHY_FIELD_KEYS", field_keys) if field_keys else []
    return (candidate for candidate in candidates if len(candidate) in _AES_KEY_BYTES)


def _digest_name() -> str:
    digest = setting("CRYPTOGRAPHY_DIGEST", _DEFAULT_DIGEST)
    if not isinstance(digest, hashes.HashAlgorithm) or digest.name not in _DIGESTS:
        raise ImproperlyConfigured(f"CRYPTOGRAPHY_DIGEST is not one of {', '.join(_DIGESTS)}")
    return digest.name


@lru_cache(maxsize=64)
def _derived_key(key: bytes, salt: bytes, digest_name: str) -> bytes:
    digest = _DIGESTS[digest_name]
    return PBKDF2HMAC(digest, digest.digest_size, salt, _ITERATIONS).derive(key)


def _decrypted(body: bytes, key: bytes) -> bytes:
    """Return the content, nothing when the padding shows that the key is wrong."""
    decryptor = Cipher(algorithms.AES(key), modes.CBC(body[:IV_BYTES])).decryptor()
    padded = decryptor.update(body[IV_BYTES:]) + decryptor.finalize()
    unpadder = PKCS7(_AES_BLOCK_BITS).unpadder()
    try:
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        return b""
