"""Deleting many rows so that nobody waits long for it: a range of primary keys at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import connections, models, router

BATCH_ROWS = 2_000

Tick = Callable[[int], None]
"""Told how many rows a batch has deleted."""


def delete_in_batches(
    rows: models.QuerySet[Any], *, batch_rows: int = BATCH_ROWS, tick: Tick | None = None
) -> int:
    """Delete rows with whole numbers as primary keys, and return how many there were.

    A batch takes the rows of the next `batch_rows` keys in a transaction of its own, so memory
    does not grow with their number, and a run that was killed is continued by the next one. Rows
    that begin to fit meanwhile, with keys above the last one, are left to the next run.
    """
    rows = rows.using(router.db_for_write(rows.model)).order_by()  # a copy may be late
    total = 0
    first, last = _ends(rows)
    while first is not None and last is not None and first <= last:
        end = min(first + batch_rows - 1, last)
        started = time.monotonic()
        deleted = _delete(rows.filter(pk__gte=first, pk__lte=end))
        total += deleted
        if tick is not None:
            tick(deleted)
        _let_others_write(rows.db, time.monotonic() - started)
        # Keys lie close together, or far apart: then the next one is asked for.
        first = end + 1 if deleted else _ends(rows.filter(pk__gt=end, pk__lte=last))[0]
    return total


def _ends(rows: models.QuerySet[Any]) -> tuple[int | None, int | None]:
    found = rows.aggregate(first=models.Min("pk"), last=models.Max("pk"))
    return found["first"], found["last"]


def _delete(rows: models.QuerySet[Any]) -> int:
    """Delete rows and return how many of them, without those that depend on them."""
    return rows.delete()[1].get(rows.model._meta.label, 0)


def _let_others_write(using: str, seconds: float) -> None:
    """Stay away from a database of one writer for as long as it was held.

    SQLite has no queue: who waits asks again now and then, and would find it taken each time.
    """
    if connections[using].vendor == "sqlite":
        time.sleep(seconds)
