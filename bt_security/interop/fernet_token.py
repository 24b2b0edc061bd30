"""Fernet tokens: their shape, and opening one with a list of keys."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from cryptography.fernet import Fernet, InvalidToken

from bt_security.exceptions import WrongKey

VERSION = 0x80
TIME_BYTES = 8
IV_BYTES = 16
BLOCK_BYTES = 16
MAC_BYTES = 32
_START = b"gAAAAA"  # version and the upper half of the time
_BODY_BYTES = 1 + TIME_BYTES + IV_BYTES


def has_fernet_layout(raw: bytes) -> bool:
    """Tell whether decoded bytes are version, time, IV, whole cipher blocks and a MAC.

    Of the time, seconds since 1970 in 64 bits, the upper four bytes must be zero.

    Source: the Fernet specification, section "Token Format".
    """
    blocks = len(raw) - _BODY_BYTES - MAC_BYTES
    return raw[:5] == bytes([VERSION, 0, 0, 0, 0]) and blocks > 0 and blocks % BLOCK_BYTES == 0


def is_token(text: bytes) -> bool:
    """Tell whether `text` is canonical URL-safe base64 of the Fernet layout; never raises."""
    if not text.startswith(_START):
        return False
    try:
        raw = base64.urlsafe_b64decode(text)
    except binascii.Error:
        return False
    return has_fernet_layout(raw) and base64.urlsafe_b64encode(raw) == text


def open_token(token: bytes, keys: Iterable[Fernet]) -> bytes:
    """Open a token with the first key that fits; the token's age is not judged.

    Raises:
        WrongKey: no key opens it. Fernet cannot tell this from tampering.

    Source: the Fernet specification, section "Verifying".
    """
    for key in keys:
        try:
            return key.decrypt(token)
        except InvalidToken:
            continue
    raise WrongKey(detail="no configured key opens it, or it was changed")
