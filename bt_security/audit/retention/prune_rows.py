"""Deleting the entries of a run of seals in batches, past the ORM, and nothing that lies between.

What appears in a hole while this runs belongs to a transaction that was still open: it is in no
seal yet and stays.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from django.db import connections, transaction

from bt_security.audit.retention.prune_range import WIDE_IDS, Run
from bt_security.audit.seals.ranges import Pair, Ranges
from bt_security.models import AuditEntry

BATCH_ROWS = 50_000
MAX_LISTED_IDS = 40_000

Tick = Callable[[int], None]
"""Told how many entries a batch has deleted."""


@dataclass(frozen=True, slots=True)
class _Batch:
    first: int
    last: int
    holes: list[int]

    @property
    def count(self) -> int:
        """How many entries it has if none is missing."""
        return self.last - self.first + 1 - len(self.holes)


def delete(
    using: str,
    run: Run,
    *,
    is_whole: bool = False,
    batch_rows: int = BATCH_ROWS,
    tick: Tick | None = None,
) -> int:
    """Delete the entries of a run and return how many there were.

    `is_whole`: all of them were there a moment ago. Each batch is committed for itself, unless
    the caller has a transaction open.
    """
    total = 0
    for batch in _batches(using, run, batch_rows):
        deleted = _delete_plainly(using, batch) if is_whole or not batch.holes else None
        if deleted is None:
            deleted = _execute(using, batch, [f"id NOT IN ({', '.join(map(str, batch.holes))})"])
        total += deleted
        if tick is not None:
            tick(deleted)
    return total


def _delete_plainly(using: str, batch: _Batch) -> int | None:
    """Delete everything of a batch, unless something is in a hole: then nothing, and None.

    Comparing each row with the holes costs as much as deleting it, so the number is compared
    instead.
    """
    with transaction.atomic(using=using):
        deleted = _execute(using, batch)
        if not batch.holes or deleted == batch.count:
            return deleted
        transaction.set_rollback(True, using=using)
    return None


def _execute(using: str, batch: _Batch, more: list[str] | None = None) -> int:
    connection = connections[using]
    table = connection.ops.quote_name(AuditEntry._meta.db_table)
    condition = " AND ".join([f"id >= {batch.first}", f"id <= {batch.last}", *(more or [])])
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE {condition}")  # noqa: S608 - whole numbers
        deleted: int = cursor.rowcount
    return deleted


def _batches(using: str, run: Run, batch_rows: int) -> Iterator[_Batch]:
    is_wide = [last - first >= WIDE_IDS for first, last in run.holes]
    pairs = list(zip(run.holes, is_wide, strict=True))
    wide = Ranges(tuple(pair for pair, is_one in pairs if is_one))
    narrow = [pair for pair, is_one in pairs if not is_one]
    new = Ranges.from_pairs([(run.after_id + 1, run.last_id)]).minus(wide)
    is_dense = new.count() <= 2 * run.count
    for first, last in (*run.late_before, *new):
        start = first
        while start <= last:
            end = min(start + batch_rows - 1, last)
            if end < last and not is_dense:
                end = _end_of_batch(using, start, last, batch_rows)
            holes, end = _listed(narrow, start, end)
            yield _Batch(start, end, holes)
            start = end + 1


def _end_of_batch(using: str, start: int, last: int, batch_rows: int) -> int:
    """Return the id up to which there are `batch_rows` entries."""
    entries = AuditEntry.objects.using(using).filter(id__gte=start, id__lte=last).order_by("id")
    found = entries.values_list("id", flat=True)[batch_rows - 1 : batch_rows]
    return next(iter(found), last)


def _listed(narrow: list[Pair], start: int, end: int) -> tuple[list[int], int]:
    """Return the ids of holes from `start` on, and the end up to which a statement has room."""
    listed: list[int] = []
    for first, last in islice(narrow, bisect_left(narrow, start, key=_last), None):
        if first > end:
            break
        if len(listed) + WIDE_IDS > MAX_LISTED_IDS:
            return listed, first - 1
        listed.extend(range(max(first, start), min(last, end) + 1))
    return listed, end


def _last(pair: Pair) -> int:
    return pair[1]
