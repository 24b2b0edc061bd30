"""A finished row of the log: its hash, its MAC, and its form outside of the database."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import struct
import time
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

VERSION = 1
DOMAIN = b"bt-audit-entry-1"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIXED = struct.Struct(">16s16sqhhhqhi11I")
_BASE64 = ("personal", "address_tag", "row_hash", "mac")


class Row(NamedTuple):
    """Every column of an entry but `id`, in the order of the insert."""

    uid: UUID
    recorded_at: datetime
    action: str
    outcome: int
    severity: int
    reason: str
    actor_kind: int
    actor_id: str
    via: str
    target_kind: str
    target_id: str
    tenant: str
    request_id: str
    session_ref: str
    body: str
    personal: bytes
    subject_key: int
    address_tag: bytes
    version: int
    mac_generation: int
    row_hash: bytes = b""
    mac: bytes = b""

    def __repr__(self) -> str:
        return f"<Row {self.uid} {self.action}>"


COLUMNS = Row._fields
"""Names of the columns, as `values_list` takes them."""


def new_uid() -> UUID:
    """Return a random UUID that sorts by time. Source: RFC 9562 section 5.7 (version 7)."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    number = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | random
    number = number & ~(0xF << 76) | 0x7 << 76
    return UUID(int=number & ~(0x3 << 62) | 0x2 << 62)


def row_hash(row: Row) -> bytes:
    """Return the SHA-256 over domain, version, fixed columns, and lengths and bytes of the others.

    What changes if any column but `id`, `row_hash` and `mac` does. docs/audit-format.md has it
    byte by byte, so that others can compute it.
    """
    parts = (
        row.action.encode(),
        row.reason.encode(),
        row.actor_id.encode(),
        row.via.encode(),
        row.target_kind.encode(),
        row.target_id.encode(),
        row.tenant.encode(),
        row.request_id.encode(),
        row.session_ref.encode(),
        row.body.encode(),
        bytes(row.personal),
    )
    fixed = _FIXED.pack(
        DOMAIN,
        row.uid.bytes,
        microseconds(row.recorded_at),
        row.outcome,
        row.severity,
        row.actor_kind,
        row.subject_key,
        row.version,
        row.mac_generation,
        *map(len, parts),
    )
    return hashlib.sha256(b"".join((fixed, *parts, row.address_tag))).digest()


def row_mac(digest: bytes, secret: bytes) -> bytes:
    """Return the HMAC-SHA-256 of a row's hash."""
    return hmac.digest(secret, digest, "sha256")


def finish(row: Row, secret: bytes) -> Row:
    """Return the row with its hash and its MAC."""
    digest = row_hash(row)
    return row._replace(row_hash=digest, mac=row_mac(digest, secret))


def microseconds(moment: datetime) -> int:
    """Return the whole microseconds since 1970 of an aware time."""
    return (moment - _EPOCH) // _MICROSECOND


def as_json(row: Row, *, entry_id: int | None = None) -> str:
    """Return the row as one line of JSON from which its hash can be computed again.

    Times are ISO 8601 in UTC with microseconds, bytes base64; `personal` stays sealed.
    """
    columns: dict[str, Any] = {} if entry_id is None else {"id": entry_id}
    columns |= row._asdict()
    columns["uid"] = str(row.uid)
    columns["recorded_at"] = row.recorded_at.astimezone(UTC).isoformat(timespec="microseconds")
    for name in _BASE64:
        columns[name] = base64.b64encode(columns[name]).decode()
    return json.dumps(columns, separators=(",", ":"), ensure_ascii=True)


def from_json(line: str) -> tuple[int | None, Row]:
    """Return id (None in a spooled row) and row of a line made by `as_json`.

    Raises:
        ValueError: the line is no such row.
    """
    try:
        columns = json.loads(line)
        entry_id = columns.pop("id", None)
        columns["uid"] = UUID(columns["uid"])
        columns["recorded_at"] = datetime.fromisoformat(columns["recorded_at"])
        for name in _BASE64:
            columns[name] = base64.b64decode(columns[name], validate=True)
        row = Row(**columns)
        row_hash(row)
    except (AttributeError, KeyError, RecursionError, TypeError, struct.error) as error:
        raise ValueError(f"not a row of the log: {type(error).__name__}") from None
    return entry_id, row
