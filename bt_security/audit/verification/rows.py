"""Reading entries as they are stored, and judging each by its own hash and MAC."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DatabaseError, connections
from django.utils import timezone

from bt_security.audit.recording import MAC_PURPOSE
from bt_security.audit.rows import COLUMNS, Row, row_hash, row_mac
from bt_security.audit.seals.clock import moment
from bt_security.exceptions import KeyRefused, OpenRefused
from bt_security.keys import purpose_keys, store
from bt_security.models import AuditEntry

PAGE_ROWS = 2_000
IDS_PER_QUERY = 500

BAD_VALUE = (AttributeError, OverflowError, TypeError, ValueError, struct.error)
"""What a stored value of another type or size than the column's raises."""

Secrets = Mapping[int, bytes] | None
"""The MAC keys by generation; None: they are not at hand, and MACs are not checked."""


class Stored(NamedTuple):
    """An entry as it is stored; `row` is None where a column holds what cannot be read."""

    id: int
    row: Row | None


def mac_secrets() -> Secrets:
    """Return the keys of the MACs if this process can open them; never makes one."""
    prefix = f"{store.PURPOSE_PREFIX}{MAC_PURPOSE}/"
    try:
        if not store.rows().filter(name__startswith=prefix).exists():
            return None
        return {key.generation: key.secret for key in purpose_keys(MAC_PURPOSE)}
    except (KeyRefused, OpenRefused):
        return None


def is_sound(row: Row | None, secrets: Secrets) -> bool:
    """Whether hash and, with keys at hand, MAC are those of the columns."""
    if row is None:
        return False
    try:
        digest = row_hash(row)
    except BAD_VALUE:
        return False
    if digest != row.row_hash:
        return False
    if secrets is None:
        return True
    secret = secrets.get(row.mac_generation)
    return secret is not None and row_mac(digest, secret) == row.mac


class Reader:
    """Reads entries in the order of their ids, a page at a time, past the ORM."""

    def __init__(self, using: str, *, page_rows: int = PAGE_ROWS) -> None:
        self._connection = connections[using]
        self._page_rows = page_rows
        self._zone: tzinfo = self._connection.timezone or timezone.get_default_timezone()
        self._has_native_uuid = self._connection.features.has_native_uuid_field
        quote = self._connection.ops.quote_name
        self._id = quote("id")
        self._is_postgresql = self._connection.vendor == "postgresql"
        self._is_sqlite = self._connection.vendor == "sqlite"
        self._columns = ", ".join(map(self._column, ("id", *COLUMNS)))
        self._table = quote(AuditEntry._meta.db_table)

    def between(self, after: int | None, until: int | None) -> Iterator[Stored]:
        """Yield the entries with `after` < id <= `until`; None is no bound, one there must be."""
        known, values = self._bounds(after, until)
        while True:
            page = self._fetch(" AND ".join(known), values, limit=self._page_rows)
            if not page:
                return
            yield from page
            known, values = self._bounds(page[-1].id, until)

    def chosen(self, ids: Sequence[int]) -> Iterator[Stored]:
        """Yield the entries with these ids, which ascend."""
        for start in range(0, len(ids), IDS_PER_QUERY):
            part = ids[start : start + IDS_PER_QUERY]
            places = ", ".join(["%s"] * len(part))
            yield from self._fetch(f"{self._id} IN ({places})", part, limit=len(part))

    def _bounds(self, after: int | None, until: int | None) -> tuple[list[str], list[int]]:
        bounds = [(">", after), ("<=", until)]
        known = [(sign, bound) for sign, bound in bounds if bound is not None]
        return [f"{self._id} {sign} %s" for sign, _ in known], [bound for _, bound in known]

    def _fetch(self, condition: str, values: Sequence[int], *, limit: int) -> list[Stored]:
        try:
            return [self._stored(raw) for raw in self._raw(condition, values, limit=limit)]
        except (DatabaseError, *BAD_VALUE):
            # A value that the driver itself cannot read hides the others of its page.
            ids = self._raw(condition, values, limit=limit, columns=self._id)
            found = [self._single(entry_id) for (entry_id,) in ids]
            return [stored for stored in found if stored is not None]

    def _single(self, entry_id: int) -> Stored | None:
        try:
            raw = self._raw(f"{self._id} = %s", [entry_id], limit=1)
        except (DatabaseError, *BAD_VALUE):
            # Raises again where it is the connection that fails, and not the value.
            self._raw(f"{self._id} = %s", [entry_id], limit=1, columns=self._id)
            return Stored(entry_id, None)
        return self._stored(raw[0]) if raw else None

    def _raw(
        self, condition: str, values: Sequence[int], *, limit: int, columns: str = ""
    ) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {columns or self._columns} FROM {self._table} "  # noqa: S608 - own names
                f"WHERE {condition} ORDER BY {self._id} LIMIT {limit}",
                values,
            )
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found

    def _column(self, name: str) -> str:
        quoted = self._connection.ops.quote_name(name)
        if self._is_postgresql and name == "recorded_at":
            # The driver takes longer to make a time of a text than we take for the whole entry.
            number = f"(EXTRACT(EPOCH FROM {quoted}) * 1000000)::bigint"
            return f"CASE WHEN isfinite({quoted}) THEN {number} END"
        if self._is_sqlite and name == "recorded_at":
            # An expression comes as it is stored; of the column, the driver would make a time.
            return f"+{quoted}"
        return quoted

    def _stored(self, raw: tuple[Any, ...]) -> Stored:
        entry_id, uid, recorded_at, *rest = raw
        try:
            if self._is_postgresql:
                recorded_at = moment(recorded_at)
            else:
                uid, recorded_at = self._uuid(uid), self._time(recorded_at)
            return Stored(entry_id, Row(uid, recorded_at, *rest))
        except BAD_VALUE:
            return Stored(entry_id, None)

    def _uuid(self, text: str) -> UUID:
        """Return the id; another spelling of it would slip past the unique index."""
        uid = UUID(text)
        if text != (str(uid) if self._has_native_uuid else uid.hex):
            raise ValueError("not as it was written")
        return uid

    def _time(self, value: Any) -> datetime:
        """Return the time; SQLite has a text, and another spelling is sorted and found elsewhere.

        An offset is never written: left out it would make another time of the same text.
        """
        time: datetime = datetime.fromisoformat(value) if self._is_sqlite else value
        if time.tzinfo is not None or (self._is_sqlite and value != str(time)):
            raise ValueError("not as it was written")
        return time.replace(tzinfo=self._zone)
