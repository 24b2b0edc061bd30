"""Comparing entries with the seals that cover them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from bt_security.audit.seals.merkle import TAG_BYTES, leaf, root
from bt_security.audit.seals.ranges import Pair, Ranges
from bt_security.audit.verification.findings import Found, Kind, extend
from bt_security.audit.verification.rows import Reader, Secrets, Stored, is_sound
from bt_security.models import AuditSeal

EDITED = "hash or MAC is not that of the columns"
REPLACED = "sound in itself, but not what was sealed under this id"
DELETED = "was sealed and is not there"
ROOT = "the entries do not make the sealed root"


@dataclass(slots=True)
class Strays:
    """Entries that stand in the gaps of one seal: late ones, or inserted ones."""

    sealed_at: datetime
    sound: list[Pair] = field(default_factory=list)
    edited: list[Pair] = field(default_factory=list)
    oldest: datetime | None = None

    def add(self, stored: Stored, *, sound: bool) -> None:
        """Add one."""
        extend(self.sound if sound else self.edited, [(stored.id, stored.id)])
        if sound and stored.row is not None:
            self.oldest = min(self.oldest or stored.row.recorded_at, stored.row.recorded_at)


@dataclass(slots=True)
class Part:
    """What was found in some seals; processes hand it to their parent. Strays are by seal."""

    found: Found = field(default_factory=Found)
    entries: int = 0
    strays: dict[int, Strays] = field(default_factory=dict)

    def merge(self, other: Part) -> None:
        """Add what was found in other seals."""
        self.found.merge(other.found)
        self.entries += other.entries
        self.strays.update(other.strays)


def check_seals(
    reader: Reader, secrets: Secrets, seals: Sequence[AuditSeal], *, pruned: Ranges
) -> Part:
    """Compare adjacent seals that are sound themselves with the entries in the table.

    Entries of the seals in `pruned` may be missing.
    """
    part = Part()
    stream = _Cut(reader.between(seals[0].after_id, seals[-1].last_id))
    for seal in seals:
        late = reader.chosen(list(_numbers(Ranges.parse(seal.late))))
        check = _SealCheck(seal, secrets, part, may_lack=seal.seq in pruned)
        check.compare(chain(late, stream.until(seal.last_id)))
    return part


def check_archived(seal: AuditSeal, secrets: Secrets, stored: Iterable[Stored]) -> Part:
    """Compare one seal with entries that come from elsewhere, in the order of their ids."""
    part = Part()
    _SealCheck(seal, secrets, part, may_lack=False).compare(stored)
    return part


class _Cut:
    """Hands a stream out in pieces that end at given ids."""

    def __init__(self, rows: Iterator[Stored]) -> None:
        self._rows = rows
        self._ahead: Stored | None = next(rows, None)

    def until(self, last_id: int) -> Iterator[Stored]:
        while self._ahead is not None and self._ahead.id <= last_id:
            yield self._ahead
            self._ahead = next(self._rows, None)


class _SealCheck:
    """Walks through the members of a seal and through the entries beside each other."""

    def __init__(self, seal: AuditSeal, secrets: Secrets, part: Part, *, may_lack: bool) -> None:
        self._seal = seal
        self._secrets = secrets
        self._part = part
        self._may_lack = may_lack
        self._tags = bytes(seal.leaf_tags)
        self._members = _numbers(members(seal))
        self._expected = next(self._members, None)
        self._position = 0
        self._leaves: list[bytes] = []

    def compare(self, stored: Iterable[Stored]) -> None:
        secrets, part = self._secrets, self._part
        for one in stored:
            sound = is_sound(one.row, secrets)
            if self._expected != one.id:
                self._skip_to(one.id)
            if self._expected == one.id:
                self._compare_leaf(one, sound=sound)
                self._advance()
                part.entries += 1
            else:
                self._strays().add(one, sound=sound)
        self._skip_to(None)
        if len(self._leaves) == self._position and root(self._leaves) != bytes(self._seal.root):
            self._add(Kind.ROOT_MISMATCH, ROOT)

    def _compare_leaf(self, stored: Stored, *, sound: bool) -> None:
        if not sound or stored.row is None:
            self._add(Kind.EDITED, EDITED, stored.id)
            return
        value = leaf(stored.id, stored.row.row_hash, stored.row.mac)
        place = self._position * TAG_BYTES
        if value[:TAG_BYTES] == self._tags[place : place + TAG_BYTES]:
            self._leaves.append(value)
        else:
            self._add(Kind.REPLACED, REPLACED, stored.id)

    def _skip_to(self, entry_id: int | None) -> None:
        """Pass the members before this entry: they are not there."""
        while self._expected is not None and (entry_id is None or self._expected < entry_id):
            if not self._may_lack:
                self._add(Kind.DELETED, DELETED, self._expected)
            self._advance()

    def _advance(self) -> None:
        self._position += 1
        self._expected = next(self._members, None)

    def _strays(self) -> Strays:
        return self._part.strays.setdefault(self._seal.seq, Strays(self._seal.sealed_at))

    def _add(self, kind: Kind, text: str, entry_id: int | None = None) -> None:
        entries = [] if entry_id is None else [(entry_id, entry_id)]
        seq = self._seal.seq
        self._part.found.add(kind, text, entries=entries, seals=[(seq, seq)])


def members(seal: AuditSeal) -> Ranges:
    """Return the ids of the entries that a sound seal covers."""
    own = Ranges.from_pairs([(seal.after_id + 1, seal.last_id)]).minus(Ranges.parse(seal.gaps))
    return own.union(Ranges.parse(seal.late))


def _numbers(ranges: Ranges) -> Iterator[int]:
    return chain.from_iterable(range(first, last + 1) for first, last in ranges)
