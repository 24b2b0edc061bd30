"""Retention: deleting old entries by whole seals, and leaving signed evidence of it.

The order makes a killed run harmless: archive, then the signed record, then the deletion. Rows
that stand under a record are deleted by the next run. Seals stay for good.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.db import IntegrityError, transaction

from bt_security.audit.recording import record
from bt_security.audit.retention import archive
from bt_security.audit.retention.prune_range import (
    Run,
    SealedRange,
    first_held,
    missing_entries,
    sound_seals,
)
from bt_security.audit.retention.prune_rows import BATCH_ROWS, Tick, delete
from bt_security.audit.retention.records import is_signed, statement
from bt_security.audit.rows import Row
from bt_security.audit.seals.merkle import leaf, root
from bt_security.audit.seals.signing import Signer, TrustedKeys, signer, trusted_keys
from bt_security.audit.verification.rows import Reader, is_sound
from bt_security.audit.writing import alias
from bt_security.exceptions import PruningRefused
from bt_security.models import AuditRetention, AuditSeal

VERIFY = "verify_audit_log"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What can be pruned: the seals, and what ends them or keeps them from being pruned.

    `held_seq` is the seal that a legal hold keeps, 0 without one. `missing` entries are gone
    already, and no record says why. `left` is the record under which a killed run left entries.
    """

    run: Run
    held_seq: int
    missing: int
    left: AuditRetention | None


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was pruned; `record` is None where no seal was old enough."""

    record: AuditRetention | None
    archive: Path | None
    deleted: int
    finished: int
    held_seq: int


def look(before: datetime) -> Outlook:
    """Return what `prune` would do; changes nothing.

    Raises:
        ValueError: `before` lies in the future.
        PruningRefused: the newest record or a seal is not what was signed.
        ImproperlyConfigured: a legal hold is malformed.
    """
    if before > datetime.now(UTC):
        raise ValueError("entries cannot be older than a time in the future")
    using, trusted = alias(), trusted_keys()
    newest = _newest_record(using, trusted)
    run = _old_seals(using, trusted, first_seq=newest.last_seq + 1 if newest else 1, before=before)
    held = first_held(using, run)
    run = run if held is None else run.before(held)
    missing = missing_entries(using, run) if run.seals else 0
    return Outlook(run, held or 0, missing, newest)


def prune(
    *,
    before: datetime,
    directory: Path | None = None,
    accept_missing: bool = False,
    batch_rows: int = BATCH_ROWS,
    tick: Tick | None = None,
) -> Pruned:
    """Delete the entries of every seal that is wholly older than `before`, oldest first.

    Stops at the first seal with an entry under legal hold. Entries that no seal has are never
    deleted. With a `directory` they are archived first. A signed retention record and the entry
    "audit.pruned" are stored before anything is deleted.

    Raises:
        PruningRefused: as `look`; or no key signs here, entries are missing and
            `accept_missing` is not set, they are not what was sealed (with a `directory`), or
            another process prunes.
        ValueError, ImproperlyConfigured: as `look`.
        AuditUnavailable: it cannot be recorded.
        OSError: the archive cannot be written.
    """
    own = signer()
    if own is None:
        raise PruningRefused("this host has public keys only: it cannot sign a retention record")
    using = alias()
    outlook = look(before)
    finished = _finish(using, outlook.left, batch_rows, tick) if outlook.left else 0
    if not outlook.run.seals:
        return Pruned(None, None, 0, finished, outlook.held_seq)
    if outlook.missing and not accept_missing:
        raise PruningRefused(f"{outlook.missing} sealed entries are missing already: run {VERIFY}")
    made, file = _draft(using, outlook, own), None
    if directory is not None:
        file = directory / archive.file_name(made.first_seq, made.last_seq)
        made.archive_digest = archive.write(file, _entries(using, outlook))
    _store(using, made, own, before=before, missing=outlook.missing)
    deleted = delete(
        using, outlook.run, is_whole=not outlook.missing, batch_rows=batch_rows, tick=tick
    )
    return Pruned(made, file, deleted, finished, outlook.held_seq)


def _newest_record(using: str, trusted: TrustedKeys) -> AuditRetention | None:
    newest = AuditRetention.objects.using(using).order_by("-seq").first()
    if newest is not None and not is_signed(newest, trusted):
        raise PruningRefused(f"retention record {newest.seq} is not what was signed: run {VERIFY}")
    return newest


def _old_seals(using: str, trusted: TrustedKeys, *, first_seq: int, before: datetime) -> Run:
    run = []
    for seal, found in sound_seals(using, first_seq=first_seq, trusted=trusted):
        if (seal.last_recorded_at or seal.sealed_at) >= before:
            break
        run.append(found)
    return Run(run)


def _finish(using: str, left: AuditRetention, batch_rows: int, tick: Tick | None) -> int:
    """Delete what a killed run has left under its record."""
    run = []
    for _, found in sound_seals(using, first_seq=left.first_seq, trusted=trusted_keys()):
        if found.seq > left.last_seq:
            break
        run.append(found)
    if not run or run[-1].head != bytes(left.head):
        raise PruningRefused(f"the seals of retention record {left.seq} are others: run {VERIFY}")
    if (held := first_held(using, Run(run))) is not None:
        raise PruningRefused(f"seal {held} is under legal hold since it began to be pruned")
    return delete(using, Run(run), batch_rows=batch_rows, tick=tick)


def _draft(using: str, outlook: Outlook, own: Signer) -> AuditRetention:
    first, last = outlook.run.seals[0], outlook.run.seals[-1]
    return AuditRetention(
        seq=outlook.left.seq + 1 if outlook.left else 1,
        first_seq=first.seq,
        last_seq=last.seq,
        last_id=last.last_id,
        count=outlook.run.count,
        head=last.head,
        signing_key=own.key_id,
        pruned_at=datetime.now(UTC),
    )


def _store(
    using: str, made: AuditRetention, own: Signer, *, before: datetime, missing: int
) -> None:
    made.signature = own.sign(statement(made))
    details = {
        "before": before,
        "seals": [made.first_seq, made.last_seq],
        "last_id": made.last_id,
        "count": made.count,
        "missing": missing,
        "archive_digest": made.archive_digest,
    }
    try:
        with transaction.atomic(using=using):
            made.save(using=using, force_insert=True)
            record("audit.pruned", details=details)
    except IntegrityError:
        raise PruningRefused("another process has pruned meanwhile") from None


def _entries(using: str, outlook: Outlook) -> Iterator[tuple[int, Row]]:
    """Yield the entries of the seals, each seal compared with its root before the next begins."""
    for seal in outlook.run.seals:
        leaves = []
        for entry_id, row in _members(using, seal):
            leaves.append(leaf(entry_id, row.row_hash, row.mac))
            yield entry_id, row
        stored = AuditSeal.objects.using(using).values_list("root", flat=True).get(seq=seal.seq)
        if root(leaves) != bytes(stored) and not outlook.missing:
            raise PruningRefused(f"the entries of seal {seal.seq} were changed: run {VERIFY}")


def _members(using: str, seal: SealedRange) -> Iterator[tuple[int, Row]]:
    reader = Reader(using)
    late = [number for first, last in seal.late for number in range(first, last + 1)]
    for found in (reader.chosen(late), reader.between(seal.after_id, seal.last_id)):
        for stored in found:
            if not seal.has(stored.id):
                continue
            if stored.row is None or not is_sound(stored.row, None):
                raise PruningRefused(f"entry {stored.id} was changed: run {VERIFY}")
            yield stored.id, stored.row
