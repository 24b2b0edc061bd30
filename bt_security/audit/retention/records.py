"""Retention records: what is signed when entries are deleted on purpose."""

from __future__ import annotations

import struct

from bt_security.audit.rows import microseconds
from bt_security.audit.seals.signing import TrustedKeys
from bt_security.models import AuditRetention

NO_ARCHIVE = bytes(32)
"""Stands for the digest of an archive that was not written."""

_SIGNED_DOMAIN = b"bt-audit-retention-1"
_COLUMNS = struct.Struct(">20sqqqqq32s32s8sq")
_HASH_BYTES = 32
_KEY_ID_BYTES = 8


def statement(record: AuditRetention) -> bytes:
    """Return the bytes that are signed for a record: every column but `signature`.

    Raises:
        ValueError: a column has a form that no record has.
    """
    head, signing_key = bytes(record.head), bytes.fromhex(record.signing_key)
    digest = bytes.fromhex(record.archive_digest) or NO_ARCHIVE
    if (len(head), len(digest), len(signing_key)) != (_HASH_BYTES, _HASH_BYTES, _KEY_ID_BYTES):
        raise ValueError("a column of the retention record has the wrong length")
    return _COLUMNS.pack(
        _SIGNED_DOMAIN,
        record.seq,
        record.first_seq,
        record.last_seq,
        record.last_id,
        record.count,
        head,
        digest,
        signing_key,
        microseconds(record.pruned_at),
    )


def is_signed(record: AuditRetention, trusted: TrustedKeys) -> bool:
    """Whether a key that counts has signed the record as it stands."""
    try:
        signed = statement(record)
    except ValueError:
        return False
    return trusted.is_signed(signed, key_id=record.signing_key, signature=bytes(record.signature))
