"""`verify`: read the whole log and say whether it can be believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bt_security.audit.recording import record
from bt_security.audit.seals.ranges import Pair, Ranges
from bt_security.audit.seals.signing import TrustedKeys, trusted_keys
from bt_security.audit.verification.anchors import AnchorCheck
from bt_security.audit.verification.entries import EDITED, Strays
from bt_security.audit.verification.findings import Found, Kind, Verdict
from bt_security.audit.verification.hints import copied_entries, sequence_ahead
from bt_security.audit.verification.retention import RetentionCheck
from bt_security.audit.verification.rows import Reader, is_sound, mac_secrets
from bt_security.audit.verification.seals import Chain, stored_seals
from bt_security.audit.verification.workers import Tick, Work, in_jobs
from bt_security.audit.writing import alias
from bt_security.conf import conf
from bt_security.conf.audit import DAY_SECONDS
from bt_security.exceptions import AuditUnavailable
from bt_security.keys import ring
from bt_security.models import AuditSeal

INTERVALS = 3
"""After so many of them without a seal, sealing counts as stopped."""

NO_EMPTY_SEALS = "not even an empty seal was made since: entries may be gone that were not sealed"
INSERTED = "stands where the seals say that nothing is"
IN_DATABASE = (
    "the key that signs hangs on the database key: whoever can change the log can sign it as well; "
    "set TOKEN_ENCRYPTION_KEY or BT_SECURITY_AUDIT_SIGNING_KEY_FILE"
)
DERIVED = "seals are signed with the site's own key: this detects changes to the database, not a "
DERIVED += "compromised application"
NO_MACS = "the key of the MACs is not at hand; sealed entries are proved by their seals"
MAC_KEY_GONE = "the key of the MACs is not there or does not open: an entry that was changed "
MAC_KEY_GONE += "before it was sealed cannot be told"
NO_PROOF = "are not sealed, and without the key of the MACs nothing proves them"
OLDER = "their entries were not read: they are older than what was asked for"
PRUNED = "their entries were deleted on purpose, by signed retention records"


def ignore(rows: int) -> None:
    """Take no notice of progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What to verify against: None is what the settings say.

    `since`: entries of seals that end before it are not read, all seals are. `archive` is the
    directory of pruned entries. `public_key` is a PEM file.
    """

    since: datetime | None = None
    anchors: str | None = None
    archive: str | None = None
    public_key: str | None = None
    workers: int = 1


def verify(choice: Choice | None = None, *, tick: Tick = ignore) -> Verdict:
    """Read seals and entries, compare them, and return what was found.

    Records `audit.verified`, unless public keys were given or the database takes no entry. The
    log may be written, sealed and pruned meanwhile.

    Raises:
        SealingRefused: the public keys cannot be read.
        KeyRefused, OpenRefused: the site's own key counts and is not at hand.
        OSError: the anchors or the archive cannot be read.
    """
    choice = choice or Choice()
    verdict = _Run(choice, tick).verdict()
    if choice.public_key is None:
        _record(verdict)
    return verdict


class _Run:
    """One verification."""

    def __init__(self, choice: Choice, tick: Tick) -> None:
        self._choice = choice
        self._tick = tick
        self._using = alias()
        self._found = Found()
        self._trusted: TrustedKeys = trusted_keys(choice.public_key)
        self._secrets = mac_secrets()
        self._reader = Reader(self._using)
        self._chain = Chain(self._trusted, self._found)
        self._anchors = AnchorCheck(self._trusted, self._found)
        self._retention = RetentionCheck(self._using, self._trusted, self._found)
        self._holes: list[Pair] = []
        self._not_read: list[Pair] = []
        self._verdict = Verdict()
        self._oldest: datetime | None = None

    def verdict(self) -> Verdict:
        self._read_anchors()
        self._retention.pruned()
        work = Work(self._using, pruned=self._retention.pruned, tick=self._tick)
        jobs = in_jobs(self._seals())
        if self._choice.workers > 1:
            work.share(jobs, workers=self._choice.workers)
        else:
            work.do(jobs)
        self._chain.expect(self._retention.last_seq)
        self._found.merge(work.part.found)
        self._verdict.entries = work.part.entries
        self._check_holes()
        self._check_unsealed()
        self._judge_strays(work.part.strays)
        if self._choice.archive is not None:
            self._verdict.archived = self._retention.check_archive(
                Path(self._choice.archive), self._secrets
            )
        copied_entries(self._using, self._found)
        self._sum_up()
        self._verdict.findings = self._found.findings()
        return self._verdict

    def _read_anchors(self) -> None:
        path = self._choice.anchors or conf.audit.anchor_file
        if path and (self._choice.anchors or Path(path).exists()):
            self._anchors.read(Path(path))

    def _seals(self) -> Iterator[AuditSeal]:
        """Judge all seals, and yield those whose entries are to be read."""
        since = self._choice.since
        for stored in stored_seals(self._using):
            covered = self._chain.covered
            sound = self._chain.take(stored)
            self._verdict.seals += 1
            if stored.seal is None:
                continue
            seal = stored.seal
            self._anchors.see(seal, sound=sound)
            if not sound:
                continue
            if seal.after_id > covered:
                self._holes.append((covered, seal.after_id))
            last_at = seal.last_recorded_at
            if since is not None and last_at is not None and last_at < since:
                self._not_read.append((seal.seq, seal.seq))
            else:
                yield seal

    def _check_holes(self) -> None:
        """Judge entries that only missing or forged seals speak of by themselves."""
        chain = self._chain
        if chain.highest_id > chain.covered:
            self._holes.append((chain.covered, chain.highest_id))
        for after, until in self._holes:
            for stored in self._reader.between(after, until):
                if not is_sound(stored.row, self._secrets):
                    self._add_edited([(stored.id, stored.id)])

    def _check_unsealed(self) -> None:
        for stored in self._reader.between(None, 0):
            self._found.add(Kind.INSERTED, INSERTED, entries=[(stored.id, stored.id)])
        after = max(self._chain.covered, self._chain.highest_id)
        for stored in self._reader.between(after, None):
            self._tick(1)
            if stored.row is None or not is_sound(stored.row, self._secrets):
                self._add_edited([(stored.id, stored.id)])
            else:
                self._count_unsealed(1, stored.row.recorded_at)

    def _judge_strays(self, strays: dict[int, Strays]) -> None:
        """Tell late entries, and those that may yet be sealed as late, from inserted ones."""
        newest = self._chain.newest
        if not strays or newest is None:
            return
        for stored in stored_seals(self._using, after=self._chain.highest_seq):
            self._chain.note(stored)  # made meanwhile
        late = Ranges.from_pairs(self._chain.late)
        may_come_until = newest.sealed_at - timedelta(seconds=conf.audit.late_seconds)
        for seq, found in strays.items():
            sound = Ranges.from_pairs(found.sound).minus(late)
            edited = Ranges.from_pairs(found.edited).minus(late)
            if found.sealed_at >= may_come_until:
                self._add_edited(edited)
                self._count_unsealed(sound.count(), found.oldest)
            elif self._chain.is_broken_after(seq):
                self._add_edited(edited)
            elif inserted := sound.union(edited):
                self._found.add(Kind.INSERTED, INSERTED, entries=inserted)

    def _add_edited(self, entries: Ranges | list[Pair]) -> None:
        if entries:
            self._found.add(Kind.EDITED, EDITED, entries=entries)

    def _count_unsealed(self, count: int, oldest: datetime | None) -> None:
        self._verdict.unsealed += count
        if count and oldest is not None:
            self._oldest = min(self._oldest or oldest, oldest)

    def _sum_up(self) -> None:
        """Say what follows from everything together."""
        now = datetime.now(UTC)
        interval = conf.audit.seal_interval_seconds or conf.audit.empty_seal_interval_seconds
        grace = timedelta(seconds=INTERVALS * (interval or DAY_SECONDS))
        self._anchors.finish(oldest=now - grace)
        self._say_keys()
        if self._oldest is not None:
            self._say_unsealed(self._oldest, now=now, grace=grace)
        elif self._has_stopped(now - grace):
            self._found.add(Kind.SEALING_STOPPED, NO_EMPTY_SEALS)
        if self._not_read:
            self._found.add(Kind.NOT_READ, OLDER, seals=self._not_read)
        if pruned := self._retention.pruned():
            self._found.add(Kind.PRUNED, PRUNED, seals=pruned)
        sequence_ahead(self._using, self._found, sealed=self._chain.highest_id)
        self._verdict.anchored_seal = self._anchors.proved
        if self._chain.newest is not None:
            self._verdict.newest_seal = self._chain.newest.seq
            self._verdict.newest_sealed_at = self._chain.newest.sealed_at

    def _has_stopped(self, oldest: datetime) -> bool:
        """Whether not even empty seals were made for so long: what was not sealed may be gone."""
        newest = self._chain.newest
        is_expected = bool(conf.audit.empty_seal_interval_seconds)
        return is_expected and newest is not None and newest.sealed_at < oldest

    def _say_keys(self) -> None:
        if self._trusted.is_root_in_database:
            self._found.add(Kind.KEY_IN_DATABASE, IN_DATABASE)
        elif self._trusted.is_derived:
            self._found.add(Kind.KEY_DERIVED, DERIVED)
        if self._secrets is None and self._choice.public_key is None:
            self._found.add(Kind.MAC_KEY_MISSING, MAC_KEY_GONE)
        elif self._secrets is None:
            self._found.add(Kind.MAC_UNCHECKED, NO_MACS)
        if self._verdict.unsealed and (self._secrets is None or ring().source == "database"):
            self._found.add(Kind.UNSEALED_UNPROVED, NO_PROOF)

    def _say_unsealed(self, oldest: datetime, *, now: datetime, grace: timedelta) -> None:
        age = now - oldest
        kind = Kind.SEALING_STOPPED if age > grace else Kind.UNSEALED
        seconds = max(int(age.total_seconds()), 0)
        entries = self._verdict.unsealed
        self._found.add(kind, f"{entries} entries are not sealed yet, the oldest for {seconds} s")


def _record(verdict: Verdict) -> None:
    details = {
        "integrity": verdict.integrity,
        "completeness": verdict.completeness,
        "entries": verdict.entries,
        "newest_seal": verdict.newest_seal,
        "findings": verdict.counted(),
    }
    try:
        record("audit.verified", outcome="success", details=details)
    except AuditUnavailable:
        verdict.is_recorded = False
