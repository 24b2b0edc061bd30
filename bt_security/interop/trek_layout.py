"""The layout that both of TREK's formats share: base64 of IV, tag and AES-256-GCM ciphertext."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bt_security.exceptions import NotSealed, WrongKey
from bt_security.interop.old_settings import secret
from bt_security.interop.stored_form import Stored, bytes_of, text_of

IV_BYTES = 12
TAG_BYTES = 16


class TrekLayout(NamedTuple):
    """One of the two formats: what stands before the base64, and the end of the key text."""

    prefix: bytes
    key_suffix: bytes

    def body_of(self, stored: Stored) -> bytes | None:
        """Return IV, tag and ciphertext, None unless `stored` is of this format."""
        found = bytes_of(stored) or b""
        text = found.removeprefix(self.prefix)
        try:
            body = base64.b64decode(text)
        except binascii.Error:
            return None
        is_canonical = self.prefix + base64.b64encode(body) == found
        return body if is_canonical and len(body) >= IV_BYTES + TAG_BYTES else None

    def open(self, stored: Stored) -> str:
        """Open a value with the key that `TREK_ENCRYPTION_KEY` gives for this format.

        Raises:
            NotSealed: not this format.
            WrongKey: another key, or changed; AES-GCM cannot tell which.
            Tampered: it opened and is not text.
            ImproperlyConfigured: `TREK_ENCRYPTION_KEY` is missing.
        """
        body = self.body_of(stored)
        if body is None:
            raise NotSealed(detail="not a value of TREK")
        key = hashlib.sha256(secret("TREK_ENCRYPTION_KEY") + self.key_suffix).digest()
        iv, tag, sealed = body[:IV_BYTES], body[IV_BYTES:][:TAG_BYTES], body[IV_BYTES + TAG_BYTES :]
        try:
            opened = AESGCM(key).decrypt(iv, sealed + tag, None)
        except InvalidTag:
            raise WrongKey(detail="TREK_ENCRYPTION_KEY is another one, or it was changed") from None
        return text_of(opened)
