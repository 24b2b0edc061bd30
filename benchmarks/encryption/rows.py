"""`bulk_create` and reading of rows, against a plain `TextField`."""

from __future__ import annotations

from typing import Any

from django.db import connection, models

from benchmarks.encryption.models import Plain, Row
from benchmarks.encryption.tables import INSERT_ROWS, empty, values
from benchmarks.measure import Options, Stopwatch, Timed, paired
from benchmarks.report import Line, Result

TARGETS = {"sqlite": (1.2, 1.4), "postgresql": (1.4, 1.8)}


def run(options: Options) -> Result:
    creating, reading = TARGETS[connection.vendor]
    texts = values(options.rows)
    created = paired(create(Row, texts, options), create(Plain, texts, options), options.repeats)
    read = paired(read_all(Row, texts, options), read_all(Plain, texts, options), options.repeats)
    lines = [
        Line.of(f"bulk_create of {options.rows:,} rows", created, "s", at_most=creating),
        Line.of(f"reading {options.rows:,} rows", read, "s", at_most=reading),
    ]
    return Result("rows / plain TextField", lines)


def create(model: type[models.Model], texts: list[str], options: Options, **more: Any) -> Timed:
    """Make a measurement that fills an empty table."""

    def timed() -> float:
        empty(model)
        with Stopwatch(options.clock) as watch:
            rows = [model(body=text, **more) for text in texts]
            model._default_manager.bulk_create(rows, batch_size=INSERT_ROWS)
        return watch.seconds

    return timed


def read_all(model: type[models.Model], texts: list[str], options: Options) -> Timed:
    """Make a measurement that reads every row and its value."""

    def timed() -> float:
        with Stopwatch(options.clock) as watch:
            found = [row.body for row in model._default_manager.order_by("pk")]
        assert found == texts
        return watch.seconds

    return timed
