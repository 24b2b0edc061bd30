"""Places in a list of log-ins, as texts that say nothing and lead nowhere for anybody else."""

from __future__ import annotations

import base64
import os
import struct
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bt_security.conf.secret_key import derived_keys

LABEL = b"bt-security/history-cursor/v1"
NONCE_BYTES = 12
TEXT_CHARS = 60

_FORM = struct.Struct(">?qq")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Cursor(NamedTuple):
    """The event beside which a page begins: older ones come after it, or newer ones before it."""

    happened_at: datetime
    pk: int
    is_newer: bool = False


def cursor_text(cursor: Cursor, user_pk: Any) -> str:
    """Return the text of a cursor; ids, which count all log-ins of the site, cannot be read in it.

    Source: NIST SP 800-38D; a random nonce, the user's primary key as additional data.
    """
    micros = (cursor.happened_at - _EPOCH) // _MICROSECOND
    nonce = os.urandom(NONCE_BYTES)
    cipher = _cipher(derived_keys(LABEL)[0])
    box = cipher.encrypt(nonce, _FORM.pack(cursor.is_newer, micros, cursor.pk), _bound(user_pk))
    return base64.urlsafe_b64encode(nonce + box).decode("ascii")


def parse_cursor(text: str, user_pk: Any) -> Cursor | None:
    """Return the cursor of a text, None if it is none, or another user's."""
    try:
        raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except ValueError:  # also what is not ASCII
        return None
    if len(text) != TEXT_CHARS:
        return None
    for key in derived_keys(LABEL):
        try:
            packed = _cipher(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _bound(user_pk))
        except InvalidTag:
            continue
        is_newer, micros, pk = _FORM.unpack(packed)
        return Cursor(_EPOCH + micros * _MICROSECOND, pk, is_newer)
    return None


def _bound(user_pk: Any) -> bytes:
    return str(user_pk).encode("utf-8")


@lru_cache(maxsize=4)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)
