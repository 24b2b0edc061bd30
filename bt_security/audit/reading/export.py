"""Entries on their way out, as a stream: a few thousand in memory, however many there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Max, Q, QuerySet

from bt_security.audit.reading.opened import Personal, open_all
from bt_security.audit.reading.windows import recorded_between
from bt_security.audit.rows import COLUMNS, Row
from bt_security.audit.seals.ranges import Ranges
from bt_security.exceptions import ExportRefused
from bt_security.models import AuditEntry, AuditSeal

CHUNK_ROWS = 2_000
CHUNK_SEALS = 200
CHUNK_PAIRS = 100

_Found = tuple[int | None, list[tuple[int, Row]]]

_BINARY = tuple(map(COLUMNS.index, ("personal", "address_tag", "row_hash", "mac")))


class Exported(NamedTuple):
    """One entry: its id, every column, the seal it was found by, opened personal data if asked."""

    entry_id: int
    row: Row
    seal: int | None = None
    personal: Personal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is exported. Entries recorded while the export runs are left to the next one.

    `after` is the uid of an entry: those with higher ids come. `after_seal` is the number of a
    seal: what later seals cover comes, each entry once, whenever it became visible.
    """

    after: UUID | None = None
    after_seal: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    with_personal: bool = False
    last_seal: int | None = None
    last_id: int | None = None


def settled(choice: Choice) -> Choice:
    """Return the choice with its end: the newest seal, or the newest entry, of this moment."""
    newest_seal = AuditSeal.objects.aggregate(newest=Max("seq"))["newest"]
    newest_id = AuditEntry.objects.aggregate(newest=Max("id"))["newest"]
    return Choice(
        after=choice.after,
        after_seal=choice.after_seal,
        since=choice.since,
        until=choice.until,
        with_personal=choice.with_personal,
        last_seal=newest_seal or 0,
        last_id=newest_id or 0,
    )


def exported(choice: Choice) -> Iterator[Exported]:
    """Yield the chosen entries, by id, or by seal and id.

    Raises:
        ExportRefused: `after` is no entry's uid, or a seal's lists cannot be read.
    """
    for seal, rows in _by_id(choice) if choice.after_seal is None else _by_seal(choice):
        opened: Sequence[Personal | None] = [None] * len(rows)
        if choice.with_personal:
            opened = open_all([row for _id, row in rows])
        for (entry_id, row), personal in zip(rows, opened, strict=True):
            yield Exported(entry_id, row, seal, personal)


def _by_id(choice: Choice) -> Iterator[_Found]:
    after_id = _id_of(choice.after) if choice.after is not None else None
    entries = AuditEntry.objects.filter(id__lte=choice.last_id)
    for part in recorded_between(entries, choice.since, choice.until):
        for rows in _chunks(part, after_id):
            yield None, rows


def _by_seal(choice: Choice) -> Iterator[_Found]:
    for seal in _seals(choice):
        for wanted, left_out in _members(seal):
            entries = AuditEntry.objects.filter(wanted)
            if choice.since is not None:
                entries = entries.filter(recorded_at__gte=choice.since)
            if choice.until is not None:
                entries = entries.filter(recorded_at__lt=choice.until)
            for rows in _chunks(entries):
                yield seal.seq, [found for found in rows if found[0] not in left_out]


def _seals(choice: Choice) -> Iterator[AuditSeal]:
    seq = choice.after_seal or 0
    seals = AuditSeal.objects.filter(count__gt=0, seq__lte=choice.last_seal).order_by("seq")
    if choice.since is not None:
        seals = seals.filter(last_recorded_at__gte=choice.since)
    if choice.until is not None:
        seals = seals.filter(first_recorded_at__lt=choice.until)
    wanted = seals.only("seq", "after_id", "last_id", "gaps", "late")
    is_last = False
    while not is_last:
        chunk = list(wanted.filter(seq__gt=seq)[:CHUNK_SEALS])
        yield from chunk
        is_last = len(chunk) < CHUNK_SEALS
        seq = seq if is_last else chunk[-1].seq


def _members(seal: AuditSeal) -> Iterator[tuple[Q, Ranges]]:
    """Give conditions whose entries are those of the seal, with the ids that are not, by id."""
    try:
        gaps, late = Ranges.parse(seal.gaps), Ranges.parse(seal.late)
    except ValueError:
        raise ExportRefused(
            f"the lists of seal {seal.seq} cannot be read; run verify_audit_log"
        ) from None
    pairs = list(late)
    for start in range(0, len(pairs), CHUNK_PAIRS):
        wanted = Q()
        for first, last in pairs[start : start + CHUNK_PAIRS]:
            wanted |= Q(id__gte=first, id__lte=last)
        yield wanted, Ranges()
    yield Q(id__gt=seal.after_id, id__lte=seal.last_id), gaps


def _chunks(
    entries: QuerySet[AuditEntry], after_id: int | None = None
) -> Iterator[list[tuple[int, Row]]]:
    columns = entries.order_by("id").values_list("id", *COLUMNS)
    is_last = False
    while not is_last:
        page = columns if after_id is None else columns.filter(id__gt=after_id)
        rows = [(found[0], _row(found[1:])) for found in page[:CHUNK_ROWS]]
        yield rows
        is_last = len(rows) < CHUNK_ROWS
        after_id = after_id if is_last else rows[-1][0]


def _row(columns: Sequence[object]) -> Row:
    values = list(columns)
    for position in _BINARY:
        values[position] = bytes(values[position])  # type: ignore[call-overload]
    return Row._make(values)


def _id_of(uid: UUID) -> int:
    entry_id = AuditEntry.objects.filter(uid=uid).values_list("id", flat=True).first()
    if entry_id is None:
        raise ExportRefused(f"no entry has the uid {uid}")
    return entry_id
