"""Which entries a run of seals has, and whether all of them are there and none is held."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from django.db import connections

from bt_security.audit.retention.holds import held_entries
from bt_security.audit.seals.heads import GENESIS, head_of, statement
from bt_security.audit.seals.merkle import TAG_BYTES
from bt_security.audit.seals.ranges import Ranges
from bt_security.audit.seals.signing import TrustedKeys
from bt_security.exceptions import PruningRefused
from bt_security.models import AuditEntry, AuditSeal

IDS_PER_QUERY = 5_000
SEALS_PER_QUERY = 10
WIDE_IDS = 1_000
"""From this width on, an interval of ids is compared with and not listed."""


@dataclass(frozen=True, slots=True)
class SealedRange:
    """What one sound seal says of ids; `late` ones lie before `after_id`."""

    seq: int
    after_id: int
    last_id: int
    count: int
    gaps: Ranges
    late: Ranges
    head: bytes

    def has(self, entry_id: int) -> bool:
        """Whether this seal has sealed the entry."""
        is_new = self.after_id < entry_id <= self.last_id and entry_id not in self.gaps
        return is_new or entry_id in self.late


@dataclass(frozen=True)
class Run:
    """Seals that follow each other."""

    seals: Sequence[SealedRange]

    @property
    def after_id(self) -> int:
        """The id before the first new one."""
        return self.seals[0].after_id

    @property
    def last_id(self) -> int:
        """The last new id."""
        return self.seals[-1].last_id

    @property
    def count(self) -> int:
        """How many entries the seals have, late ones included."""
        return sum(seal.count for seal in self.seals)

    @cached_property
    def holes(self) -> Ranges:
        """Ids between the first and the last that no seal of the run has."""
        gaps = Ranges.from_pairs(pair for seal in self.seals for pair in seal.gaps)
        return gaps.minus(self._late)

    @cached_property
    def late_before(self) -> Ranges:
        """Ids before the first new one that a seal of the run has as late."""
        return self._late.minus(Ranges.from_pairs([(self.after_id + 1, self.last_id)]))

    @cached_property
    def _late(self) -> Ranges:
        return Ranges.from_pairs(pair for seal in self.seals for pair in seal.late)

    def before(self, seq: int) -> Run:
        """Return the seals with a number below `seq`."""
        return Run([seal for seal in self.seals if seal.seq < seq])

    def seal_of(self, entry_id: int) -> SealedRange | None:
        """Return the seal of the run that has sealed this entry."""
        place = bisect_left(self.seals, entry_id, key=_last_id)
        # A late entry is in a seal after the one whose range its id lies in.
        return next((seal for seal in self.seals[place:] if seal.has(entry_id)), None)


def sealed_range(seal: AuditSeal, *, previous_head: bytes, trusted: TrustedKeys) -> SealedRange:
    """Return what a seal says, once its head, its signature and its place in the chain are right.

    Raises:
        PruningRefused: one of them is not.
    """
    try:
        head, gaps, late = head_of(seal), Ranges.parse(seal.gaps), Ranges.parse(seal.late)
    except ValueError:
        raise _changed(seal.seq) from None
    size = seal.last_id - seal.after_id - gaps.count() + late.count()
    is_sound = (
        head == bytes(seal.head)
        and bytes(seal.previous_head) == previous_head
        and size == seal.count == len(seal.leaf_tags) // TAG_BYTES
        and trusted.is_signed(
            statement(head), key_id=seal.signing_key, signature=bytes(seal.signature)
        )
    )
    if not is_sound:
        raise _changed(seal.seq)
    return SealedRange(seal.seq, seal.after_id, seal.last_id, seal.count, gaps, late, head)


def sound_seals(
    using: str, *, first_seq: int, trusted: TrustedKeys
) -> Iterator[tuple[AuditSeal, SealedRange]]:
    """Yield the seals from a number on, each with what it says.

    Raises:
        PruningRefused: a seal is missing or not sound.
    """
    seals = AuditSeal.objects.using(using)
    head = GENESIS
    if first_seq > 1:
        former = seals.filter(seq=first_seq - 1).values_list("head", flat=True).first()
        if former is None:
            raise _changed(first_seq - 1)
        head = bytes(former)
    expected = first_seq
    while page := seals.filter(seq__gte=expected).order_by("seq")[:SEALS_PER_QUERY]:
        for seal in page:
            if seal.seq != expected:
                raise _changed(expected)
            found = sealed_range(seal, previous_head=head, trusted=trusted)
            yield seal, found
            head, expected = found.head, expected + 1


def first_held(using: str, run: Run) -> int | None:
    """Return the number of the first seal that has an entry under a legal hold.

    Raises:
        ImproperlyConfigured: a hold is malformed.
    """
    held = held_entries()
    if held is None or not run.seals:
        return None
    entries = AuditEntry.objects.using(using).filter(held).order_by("id")
    inside = entries.filter(id__gt=run.after_id, id__lte=run.last_id).values_list("id", flat=True)
    late = (
        entry_id
        for pair in run.late_before
        for entry_id in entries.filter(id__range=pair).values_list("id", flat=True)
    )
    first: SealedRange | None = None
    for entry_id in chain(late, inside.iterator()):
        if first is not None and first.last_id < entry_id:
            break  # whatever follows is in a later seal
        seal = run.seal_of(entry_id)
        if seal is not None and (first is None or seal.seq < first.seq):
            first = seal
    return None if first is None else first.seq


def missing_entries(using: str, run: Run) -> int:
    """Return how many entries of the run are not there any more."""
    entries = AuditEntry.objects.using(using)
    between = entries.filter(id__gt=run.after_id, id__lte=run.last_id).count()
    strangers = _count(using, run.holes)
    late = _count(using, run.late_before)
    return run.count - (between - strangers + late)


def _conditions(ids: Ranges) -> Iterator[str]:
    """Yield conditions that together say "one of these ids", each fit for one query."""
    listed: list[int] = []
    for first, last in ids:
        if last - first >= WIDE_IDS:
            yield f"id BETWEEN {first} AND {last}"
            continue
        listed.extend(range(first, last + 1))
        if len(listed) >= IDS_PER_QUERY:
            yield f"id IN ({', '.join(map(str, listed))})"
            listed.clear()
    if listed:
        yield f"id IN ({', '.join(map(str, listed))})"


def _count(using: str, ids: Ranges) -> int:
    """Count entries past the ORM, which takes longer to write the ids than a database to look."""
    connection = connections[using]
    table = connection.ops.quote_name(AuditEntry._meta.db_table)
    total = 0
    with connection.cursor() as cursor:
        for condition in _conditions(ids):
            cursor.execute(f"SELECT count(*) FROM {table} WHERE {condition}")  # noqa: S608 - whole numbers
            total += cursor.fetchone()[0]
    return total


def _last_id(seal: SealedRange) -> int:
    return seal.last_id


def _changed(seq: int) -> PruningRefused:
    return PruningRefused(f"seal {seq} is not as it was made: run verify_audit_log")
