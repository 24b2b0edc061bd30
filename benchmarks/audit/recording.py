"""`audit.record` in a request against inserting a row of the same size that is already made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from django.db import connection, transaction

from benchmarks.audit.around import ACTION, DETAILS, in_made_request
from benchmarks.audit.floors.models import BareEntry, Item
from benchmarks.audit.floors.rows import Rows
from benchmarks.encryption.tables import empty
from benchmarks.measure import Options, Stopwatch, Timed, paired
from benchmarks.report import Line, Result
from bt_security.audit import record
from bt_security.models import AuditEntry

AT_MOST = 1.5
ENTRIES_MAX = 1_000


def run(options: Options) -> Result:
    count = max(5, min(options.rows // 20, ENTRIES_MAX))
    items = Item.objects.bulk_create(Item() for _ in range(count))
    with in_made_request():
        record(ACTION, target=items[0], details=DETAILS)
        rows = Rows()
        lines = [
            line
            for in_one in (False, True)
            for line in compared(options, rows, items, in_one=in_one)
        ]
    return Result(f"recording an entry / inserting a row on {connection.display_name}", lines)


def compared(options: Options, rows: Rows, items: Sequence[Item], *, in_one: bool) -> list[Line]:
    """Return the lines of one mode: a commit for each row, or one for all."""
    count = len(items)
    mode = "one transaction" if in_one else "autocommit"

    def timed(prepare: Callable[[int], Sequence[Any]], write: Callable[[Any], Any]) -> Timed:
        def once() -> float:
            prepared = prepare(count)
            with (
                Stopwatch(options.clock) as watch,
                transaction.atomic() if in_one else nullcontext(),
            ):
                for one in prepared:
                    write(one)
            return watch.seconds

        return once

    empty(AuditEntry, BareEntry)
    ours = timed(lambda _: items, recorded)
    created = paired(ours, timed(rows.columns, rows.create), options.repeats)
    written = paired(ours, timed(rows.parameters, rows.insert), options.repeats)
    name = f"audit.record, {mode}"
    return [
        Line.of(f"{name} / objects.create", created, "us", count=count, at_most=AT_MOST),
        Line.of(f"{name} / hand-written INSERT", written, "us", count=count, at_most=AT_MOST),
    ]


def recorded(item: Item) -> None:
    """Record that an item was changed."""
    record(ACTION, target=item, details=DETAILS)
