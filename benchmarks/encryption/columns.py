"""What single options of a sealed column cost: the CHECK, the blind index, `bind_to`."""

from __future__ import annotations

from django.db import connection, models

from benchmarks.encryption.models import (
    BoundRow,
    IndexedPlain,
    IndexedRow,
    OwnedRow,
    Row,
    UncheckedRow,
)
from benchmarks.encryption.rows import create, read_all
from benchmarks.encryption.tables import values
from benchmarks.measure import Options, Stopwatch, Timed, paired
from benchmarks.report import Line, Result


def run(options: Options) -> Result:
    texts, repeats, rows = values(options.rows), options.repeats, f"{options.rows:,} rows"
    owned = {"owner": 7}
    checked = paired(create(Row, texts, options), create(UncheckedRow, texts, options), repeats)
    indexed = paired(create(IndexedRow, texts, options), create(Row, texts, options), repeats)
    sealed = paired(
        create(IndexedRow, texts, options), create(IndexedPlain, texts, options), repeats
    )
    found = paired(
        look_up(IndexedRow, texts, options), look_up(IndexedPlain, texts, options), repeats
    )
    bound = paired(
        create(BoundRow, texts, options, **owned),
        create(OwnedRow, texts, options, **owned),
        repeats,
    )
    read = paired(read_all(BoundRow, texts, options), read_all(OwnedRow, texts, options), repeats)
    lines = [
        Line.of(f"bulk_create of {rows}, CHECK / none", checked, "s"),
        Line.of(f"bulk_create of {rows}, lookup and index / sealed only", indexed, "s"),
        Line.of(f"bulk_create of {rows}, lookup and index / plain with index", sealed, "s"),
        Line.of("get(body=…) through the index / plain with index", found, "us", count=LOOK_UPS),
        Line.of(f"bulk_create of {rows}, bind_to / not bound", bound, "s"),
        Line.of(f"reading {rows}, bind_to / not bound", read, "s"),
    ]
    return Result(f"options of a column on {connection.display_name} / the same without", lines)


LOOK_UPS = 200


def look_up(model: type[models.Model], texts: list[str], options: Options) -> Timed:
    """Make a measurement that finds single rows by value."""
    wanted = [texts[number * len(texts) // LOOK_UPS] for number in range(LOOK_UPS)]

    def timed() -> float:
        with Stopwatch(options.clock) as watch:
            for text in wanted:
                model._default_manager.get(body=text)
        return watch.seconds

    return timed
