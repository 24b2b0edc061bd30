"""A key that seals and opens: everything derived from one operator or database key."""

from __future__ import annotations

import base64
import hmac
import os
from functools import lru_cache
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bt_security.crypto.aad import associated_data
from bt_security.crypto.envelope import INDEX_LENGTH, NONCE_BYTES, Envelope, format_sealed
from bt_security.crypto.kdf import derive
from bt_security.exceptions import Tampered

Version = Literal["e1", "e2"]
"""`e1`: the key comes from the database, `e2`: from the operator."""


class SealingKey:
    """The four derived keys of one secret. Made by `sealing_key`, which caches them."""

    __slots__ = ("_index_key", "_wrap", "field", "key_id", "prefix", "version")

    def __init__(self, version: Version, secret: bytes) -> None:
        self.version = version
        self.key_id = derive(secret, "/key-id")[:4].hex()
        self.prefix = f"{version}:{self.key_id}:"
        self.field = AESGCM(derive(secret))
        self._wrap = AESGCM(derive(secret, "/wrap"))
        self._index_key = derive(secret, "/blind-index")

    def __repr__(self) -> str:
        return f"<SealingKey {self.prefix}>"

    def seal(self, plaintext: bytes, *, tail: bytes, index: str = "") -> str:
        """Seal field content under a fresh random nonce; `tail` comes from `aad_tail`.

        Source: NIST SP 800-38D section 8.2.2 (random 96-bit nonces, 2^32 per key).
        """
        return self._seal(self.field, plaintext, tail=tail, index=index)

    def open(self, envelope: Envelope, *, tail: bytes) -> bytes:
        """Open field content.

        Raises:
            Tampered: content, header or place is not the one that was sealed.
        """
        return self._open(self.field, envelope, tail=tail)

    def wrap(self, secret: bytes, *, tail: bytes) -> str:
        """Seal a stored secret (a purpose key, the key state) under the `/wrap` key."""
        return self._seal(self._wrap, secret, tail=tail, index="")

    def unwrap(self, envelope: Envelope, *, tail: bytes) -> bytes:
        """Open what `wrap` sealed.

        Raises:
            Tampered: content, header or place is not the one that was sealed.
        """
        return self._open(self._wrap, envelope, tail=tail)

    def blind_index(self, *, normaliser: str, context: str, value: str) -> str:
        """Return the 24 characters by which equal values of one column are found.

        HMAC-SHA-256 over normaliser name, context and normalised value, each preceded by its
        length as 4 bytes; the first 15 bytes in lower-case base32.
        """
        parts = (part.encode("utf-8") for part in (normaliser, context, value))
        message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        digest = hmac.digest(self._index_key, message, "sha256")
        return base64.b32encode(digest[:15]).decode("ascii").lower()[:INDEX_LENGTH]

    def _seal(self, cipher: AESGCM, plaintext: bytes, *, tail: bytes, index: str) -> str:
        header = f"{self.prefix}{index}:" if index else self.prefix
        nonce = os.urandom(NONCE_BYTES)
        return format_sealed(
            header, nonce, cipher.encrypt(nonce, plaintext, associated_data(header, tail))
        )

    @staticmethod
    def _open(cipher: AESGCM, envelope: Envelope, *, tail: bytes) -> bytes:
        try:
            return cipher.decrypt(
                envelope.nonce, envelope.box, associated_data(envelope.header, tail)
            )
        except InvalidTag:
            raise Tampered(key_id=envelope.key_id) from None


@lru_cache(maxsize=32)
def sealing_key(version: Version, secret: bytes) -> SealingKey:
    """Return the derived keys of `secret`, made once per process."""
    return SealingKey(version, secret)
