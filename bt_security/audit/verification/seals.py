"""Reading the seals as they are stored, and judging each and the chain that they make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import NamedTuple

from django.db import DatabaseError

from bt_security.audit.seals.heads import GENESIS, head_of, statement
from bt_security.audit.seals.merkle import TAG_BYTES
from bt_security.audit.seals.ranges import Pair, Ranges
from bt_security.audit.seals.signing import TrustedKeys
from bt_security.audit.verification.findings import Found, Kind
from bt_security.audit.verification.rows import BAD_VALUE
from bt_security.models import AuditSeal

PAGE_SEALS = 50
CLOCK_SECONDS = 60

Fault = tuple[Kind, str]

CHANGED: Fault = Kind.SEAL_FORGED, "its columns are not what its head covers"
NOT_SIGNED = "the key that it names has not signed it"
CONTRADICTS = "it contradicts itself"
UNKNOWN = "no key that counts has this id: give its public key, or somebody made it"
MISSING = "the seal is not there"
CHAIN = "it does not follow the seal before it"
CLOCK = "its time lies before that of the seal or of the entries before it"


class StoredSeal(NamedTuple):
    """A seal as it is stored; `seal` is None where a column holds what cannot be read."""

    seq: int
    seal: AuditSeal | None


def stored_seals(using: str, *, after: int | None = None) -> Iterator[StoredSeal]:
    """Yield the seals by number, until there are no more, also those made meanwhile."""
    seals = AuditSeal.objects.using(using).order_by("seq")
    while True:
        chosen = seals if after is None else seals.filter(seq__gt=after)
        try:
            page = [StoredSeal(seal.seq, seal) for seal in chosen[:PAGE_SEALS]]
        except (DatabaseError, *BAD_VALUE):
            # A value that the driver cannot read hides the others of its page.
            seqs = list(chosen.values_list("seq", flat=True)[:PAGE_SEALS])
            page = [_single(using, seq) for seq in seqs]
        if not page:
            return
        yield from page
        after = page[-1].seq


def _single(using: str, seq: int) -> StoredSeal:
    seals = AuditSeal.objects.using(using).filter(seq=seq)
    try:
        return StoredSeal(seq, seals.first())
    except (DatabaseError, *BAD_VALUE):
        # Raises again where it is the connection that fails, and not the value.
        seals.exists()
        return StoredSeal(seq, None)


def fault_of(seal: AuditSeal, trusted: TrustedKeys) -> Fault | None:
    """Return what is wrong with a seal itself, None if its word can be relied on."""
    try:
        computed = head_of(seal)
        signature, key_id = bytes(seal.signature), seal.signing_key
        if computed != bytes(seal.head):
            return CHANGED
    except BAD_VALUE:
        return CHANGED
    if key_id not in trusted:
        return Kind.KEY_UNKNOWN, UNKNOWN
    if not trusted.is_signed(statement(computed), key_id=key_id, signature=signature):
        return Kind.SEAL_FORGED, NOT_SIGNED
    return None if _agrees_with_itself(seal) else (Kind.SEAL_FORGED, CONTRADICTS)


class Chain:
    """Takes the seals in their order, says which are sound, and keeps what they say together.

    `broken` are numbers of seals that are missing or not sound; `late` every entry that some seal
    lists as late; `covered` the last id of the newest sound seal.
    """

    def __init__(self, trusted: TrustedKeys, found: Found) -> None:
        self._trusted = trusted
        self._found = found
        self._unsound: list[Pair] = []
        self.newest: AuditSeal | None = None
        self.broken: list[Pair] = []
        self.late: list[Pair] = []
        self.highest_seq = 0
        self.highest_id = 0

    @property
    def covered(self) -> int:
        """The last id that the seals so far speak of."""
        return self.newest.last_id if self.newest else 0

    def take(self, stored: StoredSeal) -> bool:
        """Judge the next seal and how it follows; return whether its word can be relied on."""
        seal, seq = stored.seal, stored.seq
        fault = fault_of(seal, self._trusted) if seal else CHANGED
        self.highest_seq = max(self.highest_seq, seq)
        self.note(stored)
        if seal is None or fault is not None:
            kind, text = fault or CHANGED
            self._found.add(kind, text, seals=[(seq, seq)])
            self._unsound.append((seq, seq))
            self.broken.append((seq, seq))
            return False
        self.expect(seq - 1)
        self._compare_with_former(seal)
        self.newest = seal
        return True

    def expect(self, seq: int) -> None:
        """Report what is missing up to `seq`, of which something signed says that it was there."""
        last = self.newest.seq if self.newest else 0
        between = Ranges.from_pairs([(last + 1, seq)])
        missing = between.minus(Ranges.from_pairs(self._unsound))
        if missing:
            self._found.add(Kind.SEAL_MISSING, MISSING, seals=missing)
            self.broken.extend(missing)

    def is_broken_after(self, seq: int) -> bool:
        """Whether a later seal than this is missing or not sound."""
        return any(last > seq for _, last in self.broken)

    def note(self, stored: StoredSeal) -> None:
        """Keep what even a forged seal says, so that one fault is not reported as many."""
        if stored.seal is None:
            return
        with suppress(*BAD_VALUE):
            self.highest_id = max(self.highest_id, stored.seal.last_id)
            self.late.extend(Ranges.parse(stored.seal.late))

    def _compare_with_former(self, seal: AuditSeal) -> None:
        former, place = self.newest, [(seal.seq, seal.seq)]
        if seal.seq == 1:
            follows = (bytes(seal.previous_head), seal.after_id) == (GENESIS, 0)
        elif former is None or former.seq != seal.seq - 1:
            return
        else:
            expected = bytes(former.head), former.last_id
            follows = (bytes(seal.previous_head), seal.after_id) == expected
        if not follows:
            self._found.add(Kind.CHAIN_BROKEN, CHAIN, seals=place)
        before = [seal.last_recorded_at, former.sealed_at if former else None]
        latest = seal.sealed_at + timedelta(seconds=CLOCK_SECONDS)
        if any(moment is not None and moment > latest for moment in before):
            self._found.add(Kind.CLOCK_BACKWARDS, CLOCK, seals=place)


def _agrees_with_itself(seal: AuditSeal) -> bool:
    try:
        gaps, late = Ranges.parse(seal.gaps), Ranges.parse(seal.late)
    except ValueError:
        return False
    own = Ranges.from_pairs([(seal.after_id + 1, seal.last_id)])
    count = own.count() - gaps.count() + late.count()
    is_inside = not gaps.minus(own) and (not late or late.pairs[-1][1] <= seal.after_id)
    return is_inside and seal.count == count == len(seal.leaf_tags) // TAG_BYTES
