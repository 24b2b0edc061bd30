"""Personal data of entries, opened for those who may read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bt_security.audit.personal import unsealed
from bt_security.audit.rows import Row
from bt_security.audit.writing import alias
from bt_security.exceptions import OpenRefused
from bt_security.models import AuditEntry, AuditSubjectKey


class Personal(NamedTuple):
    """Personal data of one entry; `missing` says why there is none, "" where there is no reason.

    "erased": the person's key was deleted. "unreadable": a key is missing here, or the entry was
    changed.
    """

    data: dict[str, str]
    missing: str = ""

    def __repr__(self) -> str:
        return f"<Personal {self.missing or len(self.data)}>"


def open_all(entries: Sequence[AuditEntry | Row]) -> list[Personal]:
    """Return the personal data of each entry, in order; reads every data key once."""
    secrets = _secrets({entry.subject_key for entry in entries if entry.personal})
    return [_opened(entry, secrets) for entry in entries]


def _opened(entry: AuditEntry | Row, secrets: dict[int, bytes | None]) -> Personal:
    if not entry.personal:
        return Personal({})
    if entry.subject_key not in secrets:
        return Personal({}, "erased")
    secret = secrets[entry.subject_key]
    if secret is None:
        return Personal({}, "unreadable")
    try:
        data = unsealed(
            bytes(entry.personal), secret=secret, key_id=entry.subject_key, uid=entry.uid
        )
    except OpenRefused:
        return Personal({}, "unreadable")
    return Personal(data)


def _secrets(key_ids: Iterable[int]) -> dict[int, bytes | None]:
    """Return the data keys that exist, None for one that does not open here."""
    rows = AuditSubjectKey.objects.using(alias()).filter(pk__in=list(key_ids))
    return {row.pk: _secret(row) for row in rows}


def _secret(row: AuditSubjectKey) -> bytes | None:
    try:
        return bytes(row.secret)
    except OpenRefused:
        return None
