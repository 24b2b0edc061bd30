"""Sealing: signed statements on what the log holds, made behind the writers' backs.

Nothing is ever updated in the log and nobody waits for anybody. A transaction that commits late
leaves a gap in a seal and appears as late in a following one.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import request_finished
from django.db import Error, IntegrityError, connections, transaction
from django.db.models import Q, QuerySet

from bt_security.audit.pending import may_block
from bt_security.audit.recording import is_genuine
from bt_security.audit.seals import anchors, hours, merkle
from bt_security.audit.seals.clock import Microseconds, moment
from bt_security.audit.seals.heads import GENESIS, head_of, statement
from bt_security.audit.seals.ranges import Pair, Ranges
from bt_security.audit.seals.signing import Signer, signer
from bt_security.audit.spool import replay
from bt_security.audit.writing import alias, insert
from bt_security.conf import conf
from bt_security.exceptions import BTSecurityError, SealingRefused
from bt_security.models import AuditEntry, AuditSeal

logger = logging.getLogger("bt_security.audit")

LIMIT = 50_000
"""How many new entries one seal has at most, and how many late ones."""

BATCH = 10_000
"""The same for a seal that is made at the end of a request."""

NARROW_IDS = 8
PAIRS_PER_QUERY = 500
SEALS_PER_QUERY = 500

_due_at = -math.inf
"""When this process asks next whether to seal, by the monotonic clock."""


_COLUMNS = ("id", "row_hash", "mac", "recorded_us", "action", "outcome")

Member = tuple[int, bytes, bytes, int, str, int]
"""What sealing reads of an entry, in the order of the columns; a bare tuple, there are many."""


def seal(*, limit: int = LIMIT, at_most: int | None = None) -> list[AuditSeal]:
    """Store what waits in the spool, seal what is not sealed yet, and return the new seals.

    A seal has at most `limit` new entries, and there are `at_most` seals, by default as many as
    it takes. Each is published as an anchor once it is committed. Several processes may seal at
    once: each entry is in one seal.

    Raises:
        SealingRefused: no key signs here, or the log is not what was sealed and anchored last.
        KeyRefused, OpenRefused: the key that signs is not at hand.
        django.db.Error: the database does not take the seal.
    """
    store_spooled()
    return list(islice(seals(limit=limit), at_most))


def seals(*, limit: int = LIMIT) -> Iterator[AuditSeal]:
    """Seal batch by batch and yield each seal once it is stored; raises as `seal` does.

    Ends with the first batch that is not full: what is recorded meanwhile waits for the next run,
    or a busy site's sealer would never end and make a seal for every few entries.
    """
    own = signer()
    if own is None:
        raise SealingRefused("this host has public keys only: it verifies and never seals")
    using = alias()
    last, late = _tip(using, limit)
    while (draft := _draft(using, last, late, limit)) is not None:
        _sign(draft.seal, own)
        if _stored(using, draft):
            last = draft.seal
            transaction.on_commit(partial(anchors.publish, last), using=using)
            yield last
            if not draft.is_full:
                return
        else:
            last, late = _tip(using, limit)


def store_spooled() -> int:
    """Store the entries that wait in the spool and return how many were new to the log.

    What cannot be judged or stored now goes on waiting, and the log file says why.
    """
    using = alias()
    return replay(using=using, is_genuine=is_genuine, insert=partial(insert, connections[using]))


def connect() -> None:
    """Seal at the end of requests; called where the feature `audit` is on."""
    request_finished.connect(seal_if_due, dispatch_uid="bt_security.audit.seals.sealing")


def seal_if_due(**_: Any) -> None:
    """Seal one batch if the interval has passed; what goes wrong is logged and never raised.

    Each process asks the database once per interval, and seals unless another one has. While
    batches are full every request seals one. A test run seals nothing by itself: the settings name
    the anchors and the spool of the site.
    """
    global _due_at
    now = time.monotonic()
    if now < _due_at or not may_block() or hasattr(mail, "outbox"):
        return
    interval = conf.audit.seal_interval_seconds
    if not interval:
        return
    _due_at = now + interval
    try:
        if _seal_batch(interval):
            _due_at = now
    except (Error, OSError, BTSecurityError, ImproperlyConfigured) as error:
        logger.error("The audit log was not sealed (%s): %s", type(error).__name__, error)
    release()


def release() -> None:
    """Give the connection back as at the end of a request, unless a transaction is open."""
    connection = connections[alias()]
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def _seal_batch(interval: int) -> bool:
    """Return whether more is left than one batch."""
    if signer() is None:
        return False
    newest = AuditSeal.objects.using(alias()).order_by("-seq").values_list("sealed_at", "count")
    for sealed_at, count in newest[:1]:
        is_young = datetime.now(UTC) - sealed_at < timedelta(seconds=interval)
        if is_young and count < BATCH:
            return False
    return any(made.count >= BATCH for made in seal(limit=BATCH, at_most=1))


@dataclass(frozen=True, slots=True)
class _Draft:
    seal: AuditSeal
    members: Sequence[Member]
    is_full: bool


def _tip(using: str, limit: int) -> tuple[AuditSeal | None, Iterator[Member]]:
    """Return the last seal, and the late entries that appear while they are asked for.

    The anchors are read first: another process may seal meanwhile, and is ahead of them then.
    """
    anchored = anchors.newest()
    newest = AuditSeal.objects.using(using).order_by("-seq")
    last = newest.first()
    if anchored is not None:
        _judge_anchored(newest, anchored)
    if last is None:
        return None, iter(())
    _judge_last(last)
    return last, _late_entries(using, _open_gaps(newest, last), limit)


def _judge_anchored(newest: QuerySet[AuditSeal], anchored: anchors.Anchor) -> None:
    heads = newest.filter(seq=anchored.seq).values_list("head", flat=True)
    if [bytes(head) for head in heads] != [anchored.head]:
        raise SealingRefused(
            f"seal {anchored.seq} was anchored, and the database does not have it as it was: run "
            "`verify_audit_log`; after a restored backup, put the anchor file aside and keep it"
        )


def _judge_last(last: AuditSeal) -> None:
    try:
        is_sound = head_of(last) == bytes(last.head)
    except ValueError:
        is_sound = False
    if not is_sound:
        raise SealingRefused(f"seal {last.seq} was changed: run `verify_audit_log`")


def _open_gaps(newest: QuerySet[AuditSeal], last: AuditSeal) -> Ranges:
    """Return the ids that may still appear: gaps of young seals, without those that did.

    Young is counted from the last seal, as verification counts it: what was on its way when
    sealing paused is late, however long the pause was.
    """
    oldest = last.sealed_at - timedelta(seconds=conf.audit.late_seconds)
    gaps: list[Pair] = []
    late: list[Pair] = []
    for sealed_at, gaps_text, late_text in _newest_first(newest):
        if sealed_at < oldest:
            break
        gaps.extend(Ranges.parse(gaps_text))
        late.extend(Ranges.parse(late_text))
    return Ranges.from_pairs(gaps).minus(Ranges.from_pairs(late))


def _newest_first(newest: QuerySet[AuditSeal]) -> Iterator[tuple[datetime, str, str]]:
    page = newest
    while True:
        found = list(page.values_list("seq", "sealed_at", "gaps", "late")[:SEALS_PER_QUERY])
        for _, sealed_at, gaps, late in found:
            yield sealed_at, gaps, late
        if len(found) < SEALS_PER_QUERY:
            return
        page = newest.filter(seq__lt=found[-1][0])


def _entries(using: str) -> Any:
    found = AuditEntry.objects.using(using).annotate(recorded_us=Microseconds("recorded_at"))
    return found.order_by("id").values_list(*_COLUMNS)


def _late_entries(using: str, gaps: Ranges, limit: int) -> Iterator[Member]:
    """Yield entries whose ids are gaps, ascending."""
    for start in range(0, len(gaps.pairs), PAIRS_PER_QUERY):
        pairs = gaps.pairs[start : start + PAIRS_PER_QUERY]
        after, last = pairs[0][0] - 1, pairs[-1][1]
        wanted = _among(pairs)
        while True:
            found = list(_entries(using).filter(wanted, id__gt=after, id__lte=last)[:limit])
            yield from found
            if len(found) < limit:
                break
            after = found[-1][0]


def _among(pairs: Sequence[Pair]) -> Q:
    """Return the condition for ids in these pairs; few ids are named, many are compared."""
    narrow = [pair for pair in pairs if pair[1] - pair[0] < NARROW_IDS]
    wanted = Q(id__in=[number for first, last in narrow for number in range(first, last + 1)])
    for pair in pairs:
        if pair[1] - pair[0] >= NARROW_IDS:
            wanted |= Q(id__range=pair)
    return wanted


def _draft(using: str, last: AuditSeal | None, late: Iterator[Member], limit: int) -> _Draft | None:
    """Return the next seal without head and signature, or None when there is nothing to say."""
    after_id = last.last_id if last else 0
    new = list(_entries(using).filter(id__gt=after_id)[:limit])
    late_ones = list(islice(late, limit))
    members: list[Member] = [*late_ones, *new]
    if not members and not _is_empty_one_due(last):
        return None
    last_id = new[-1][0] if new else after_id
    leaves = [merkle.leaf(entry_id, row_hash, mac) for entry_id, row_hash, mac, _, _, _ in members]
    times = [recorded_us for _, _, _, recorded_us, _, _ in members]
    drafted = AuditSeal(
        seq=last.seq + 1 if last else 1,
        after_id=after_id,
        last_id=last_id,
        count=len(members),
        gaps=Ranges.missing([row[0] for row in new], after=after_id, last=last_id).dump(),
        late=Ranges.from_ids(row[0] for row in late_ones).dump(),
        first_recorded_at=moment(min(times)) if times else None,
        last_recorded_at=moment(max(times)) if times else None,
        root=merkle.root(leaves),
        leaf_tags=merkle.leaf_tags(leaves),
        previous_head=bytes(last.head) if last else GENESIS,
        sealed_at=datetime.now(UTC),
    )
    return _Draft(drafted, members, is_full=limit in (len(new), len(late_ones)))


def _is_empty_one_due(last: AuditSeal | None) -> bool:
    seconds = conf.audit.empty_seal_interval_seconds
    if last is None or not seconds:
        return False
    return datetime.now(UTC) - last.sealed_at >= timedelta(seconds=seconds)


def _sign(drafted: AuditSeal, own: Signer) -> None:
    drafted.signing_key = own.key_id
    drafted.head = head_of(drafted)
    drafted.signature = own.sign(statement(drafted.head))


def _stored(using: str, draft: _Draft) -> bool:
    """Store a seal and its hours; False if another process has sealed in between."""
    try:
        with transaction.atomic(using=using):
            draft.seal.save(force_insert=True, using=using)
            hours.add((member[3:] for member in draft.members), using=using)
    except IntegrityError:
        if not AuditSeal.objects.using(using).filter(seq=draft.seal.seq).exists():
            raise
        return False
    return True
