"""What a verification can find, and the two verdicts that follow from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Literal

from bt_security.audit.seals.ranges import Pair, Ranges

Answer = Literal["clean", "tampered", "not provable"]
"""One verdict. "not provable": nothing speaks against it, and nothing proves it."""

Level = Literal["tampered", "not provable", "note"]
"""How much a finding weighs."""

CLEAN: Answer = "clean"
TAMPERED: Answer = "tampered"
NOT_PROVABLE: Answer = "not provable"

MOST_PAIRS = 20


class Kind(Enum):
    """A finding's kind: its name, and what it makes of integrity and of completeness.

    Integrity: what is in the log is what was recorded. Completeness: nothing is missing.
    """

    EDITED = "EDITED", TAMPERED, CLEAN
    REPLACED = "REPLACED", TAMPERED, CLEAN
    INSERTED = "INSERTED", TAMPERED, CLEAN
    COPIED = "COPIED", TAMPERED, CLEAN
    DELETED = "DELETED", CLEAN, TAMPERED
    ROOT_MISMATCH = "ROOT MISMATCH", TAMPERED, CLEAN
    SEAL_FORGED = "SEAL FORGED", TAMPERED, NOT_PROVABLE
    KEY_UNKNOWN = "KEY UNKNOWN", TAMPERED, NOT_PROVABLE
    SEAL_MISSING = "SEAL MISSING", CLEAN, TAMPERED
    CHAIN_BROKEN = "CHAIN BROKEN", TAMPERED, TAMPERED
    TAIL_TRUNCATED = "TAIL TRUNCATED", CLEAN, TAMPERED
    HISTORY_REWRITTEN = "HISTORY REWRITTEN", TAMPERED, TAMPERED
    ANCHOR_FORGED = "ANCHOR FORGED", CLEAN, TAMPERED
    RETENTION_FORGED = "RETENTION FORGED", CLEAN, TAMPERED
    ARCHIVE_MISMATCH = "ARCHIVE MISMATCH", TAMPERED, CLEAN
    ARCHIVE_MISSING = "ARCHIVE MISSING", CLEAN, NOT_PROVABLE
    KEY_IN_DATABASE = "KEY IN DATABASE", NOT_PROVABLE, CLEAN
    UNSEALED_UNPROVED = "UNSEALED UNPROVED", NOT_PROVABLE, CLEAN
    SEALING_STOPPED = "SEALING STOPPED", CLEAN, NOT_PROVABLE
    TAIL_UNPROVED = "TAIL UNPROVED", CLEAN, NOT_PROVABLE
    KEY_DERIVED = "KEY DERIVED", CLEAN, CLEAN
    MAC_UNCHECKED = "MAC UNCHECKED", CLEAN, CLEAN
    MAC_KEY_MISSING = "MAC KEY MISSING", NOT_PROVABLE, CLEAN
    UNSEALED = "UNSEALED", CLEAN, CLEAN
    NOT_READ = "NOT READ", CLEAN, CLEAN
    PRUNED = "PRUNED", CLEAN, CLEAN
    ANCHORED = "ANCHORED", CLEAN, CLEAN
    SEQUENCE_AHEAD = "SEQUENCE AHEAD", CLEAN, CLEAN
    CLOCK_BACKWARDS = "CLOCK BACKWARDS", CLEAN, CLEAN

    def __init__(self, label: str, integrity: Answer, completeness: Answer) -> None:
        self.label = label
        self.integrity = integrity
        self.completeness = completeness

    @property
    def worst(self) -> Answer:
        """The graver of what it makes of integrity and of completeness."""
        return worse(self.integrity, self.completeness)

    @property
    def level(self) -> Level:
        """How much it weighs."""
        worst = self.worst
        return "note" if worst == "clean" else worst


_WEIGHT: dict[Answer, int] = {CLEAN: 0, NOT_PROVABLE: 1, TAMPERED: 2}


def worse(one: Answer, other: Answer) -> Answer:
    """Return the graver of two answers."""
    return max(one, other, key=_WEIGHT.__getitem__)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found: entries by id and seals by number, as far as it is about some."""

    kind: Kind
    text: str
    entries: Ranges = field(default_factory=Ranges)
    seals: Ranges = field(default_factory=Ranges)

    def __str__(self) -> str:
        about = [
            f"{word} {ranges_text(ranges)}"
            for word, ranges in (("entry", self.entries), ("seal", self.seals))
            if ranges
        ]
        place = f" {', '.join(about)}" if about else ""
        return f"{self.kind.label}{place}: {self.text}"

    def as_json(self) -> dict[str, Any]:
        """Return the finding as JSON values; ranges are lists of [first, last]."""
        return {
            "kind": self.kind.label,
            "level": self.kind.level,
            "entries": [list(pair) for pair in self.entries],
            "seals": [list(pair) for pair in self.seals],
            "text": self.text,
        }


def ranges_text(ranges: Ranges) -> str:
    """Return ranges for people to read: `5, 9-12`; very many are cut, the JSON has them all."""
    pairs = [str(first) if first == last else f"{first}-{last}" for first, last in ranges]
    if len(pairs) > MOST_PAIRS:
        pairs = [*pairs[:MOST_PAIRS], f"and {len(pairs) - MOST_PAIRS} more ranges"]
    return ", ".join(pairs)


def extend(known: list[Pair], pairs: Iterable[Pair]) -> None:
    """Append pairs; what follows the last one directly makes that one longer."""
    for first, last in pairs:
        if known and known[-1][0] <= first <= known[-1][1] + 1:
            known[-1] = (known[-1][0], max(last, known[-1][1]))
        else:
            known.append((first, last))


class Found:
    """Collects findings: one per kind and text, however many entries and seals it is about."""

    def __init__(self) -> None:
        self._places: dict[tuple[Kind, str], tuple[list[Pair], list[Pair]]] = {}

    def add(
        self, kind: Kind, text: str, *, entries: Iterable[Pair] = (), seals: Iterable[Pair] = ()
    ) -> None:
        """Add entries and seals, as pairs of first and last, to the finding of this text."""
        known = self._places.setdefault((kind, text), ([], []))
        extend(known[0], entries)
        extend(known[1], seals)

    def merge(self, other: Found) -> None:
        """Add what another process has collected."""
        for (kind, text), (entries, seals) in other._places.items():
            self.add(kind, text, entries=entries, seals=seals)

    def has(self, kind: Kind) -> bool:
        """Whether there is a finding of this kind."""
        return any(known == kind for known, _ in self._places)

    def findings(self) -> list[Finding]:
        """Return the findings, the gravest first, otherwise in the order of their kinds."""
        found = [
            Finding(kind, text, Ranges.from_pairs(entries), Ranges.from_pairs(seals))
            for (kind, text), (entries, seals) in self._places.items()
        ]
        kinds = list(Kind)
        return sorted(found, key=lambda one: (-_WEIGHT[one.kind.worst], kinds.index(one.kind)))


@dataclass(slots=True)
class Verdict:
    """What a verification looked at and found.

    `anchored_seal` is the newest seal that an anchor proves, 0 without one; `entries` counts
    sealed entries that were read, `unsealed` those that no seal covers yet, `archived` those read
    from archives. `is_recorded`: the log took the entry that says that it was verified.
    """

    findings: list[Finding] = field(default_factory=list)
    seals: int = 0
    entries: int = 0
    unsealed: int = 0
    archived: int = 0
    anchored_seal: int = 0
    newest_seal: int = 0
    newest_sealed_at: datetime | None = None
    is_recorded: bool = True

    @property
    def integrity(self) -> Answer:
        """Whether what is in the log is what was recorded."""
        return _worst(finding.kind.integrity for finding in self.findings)

    @property
    def completeness(self) -> Answer:
        """Whether nothing is missing from the log."""
        return _worst(finding.kind.completeness for finding in self.findings)

    @property
    def is_tampered(self) -> bool:
        """Whether somebody has changed the log."""
        return TAMPERED in (self.integrity, self.completeness)

    @property
    def is_clean(self) -> bool:
        """Whether both are proved."""
        return (self.integrity, self.completeness) == (CLEAN, CLEAN)

    def counted(self) -> dict[str, int]:
        """Return how many findings of each kind there are."""
        return dict(Counter(finding.kind.label for finding in self.findings))

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as JSON values."""
        sealed_at = self.newest_sealed_at
        return {
            "integrity": self.integrity,
            "completeness": self.completeness,
            "seals": self.seals,
            "entries": self.entries,
            "unsealed": self.unsealed,
            "archived": self.archived,
            "newest_seal": self.newest_seal,
            "newest_sealed_at": None if sealed_at is None else sealed_at.isoformat(),
            "anchored_seal": self.anchored_seal,
            "findings": [finding.as_json() for finding in self.findings],
        }


def _worst(answers: Iterable[Answer]) -> Answer:
    worst = CLEAN
    for answer in answers:
        worst = worse(worst, answer)
    return worst
