"""The head of a seal: the one hash that its signature, the next seal and the anchors quote."""

from __future__ import annotations

import hashlib
import struct
from datetime import datetime

from bt_security.audit.rows import microseconds
from bt_security.models import AuditSeal

GENESIS = bytes(32)
"""The `previous_head` of the first seal."""

NO_TIME = -1 << 62
"""Stands for the times of a seal without entries."""

_DOMAIN = b"bt-audit-seal-1"
_SIGNED_DOMAIN = b"bt-audit-head-1"
_COLUMNS = struct.Struct(">15sqqqq32s32sqq32s32s32s8sq")
_HASH_BYTES = 32
_KEY_ID_BYTES = 8


def head_of(seal: AuditSeal) -> bytes:
    """Return the SHA-256 over every column of a seal but `head` and `signature`.

    Raises:
        ValueError: a column has a form that no seal has.
    """
    root, previous = bytes(seal.root), bytes(seal.previous_head)
    signing_key = bytes.fromhex(seal.signing_key)
    if (len(root), len(previous), len(signing_key)) != (_HASH_BYTES, _HASH_BYTES, _KEY_ID_BYTES):
        raise ValueError("a column of the seal has the wrong length")
    packed = _COLUMNS.pack(
        _DOMAIN,
        seal.seq,
        seal.after_id,
        seal.last_id,
        seal.count,
        hashlib.sha256(seal.gaps.encode()).digest(),
        hashlib.sha256(seal.late.encode()).digest(),
        _microseconds(seal.first_recorded_at),
        _microseconds(seal.last_recorded_at),
        root,
        hashlib.sha256(seal.leaf_tags).digest(),
        previous,
        signing_key,
        microseconds(seal.sealed_at),
    )
    return hashlib.sha256(packed).digest()


def statement(head: bytes) -> bytes:
    """Return the bytes that are signed for a head."""
    return _SIGNED_DOMAIN + head


def _microseconds(moment: datetime | None) -> int:
    return NO_TIME if moment is None else microseconds(moment)
