"""Sealing and verifying a log, entries a second in one process, beside reading the same columns."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from benchmarks.audit.filling import fill, forget_seals
from benchmarks.measure import Options, Stopwatch, Timed, paired
from benchmarks.report import Line, Result
from bt_security.audit.rows import COLUMNS
from bt_security.audit.seals.sealing import seal
from bt_security.audit.verification.verifying import verify
from bt_security.models import AuditEntry

ENTRIES_MAX = 300_000
SEALED_AT_LEAST, VERIFIED_AT_LEAST = 150_000, 50_000
READ_ROWS = 2_000


def run(options: Options) -> Result:
    count = min(options.large_rows, ENTRIES_MAX)
    fill(count)
    hashes = reading(("id", "row_hash", "mac"), options)
    everything = reading(("id", *COLUMNS), options)
    sealed = paired(sealing(count, options), hashes, options.large_repeats)
    verified = paired(verifying(count, options), everything, options.large_repeats)
    lines = [
        Line.rate("sealing / reading ids, hashes and MACs", sealed, count),
        Line.rate("verifying / reading all columns", verified, count),
    ]
    targets = (SEALED_AT_LEAST, VERIFIED_AT_LEAST)
    title = f"{count:,} entries, one process, on {connection.display_name}"
    return Result(title, [with_rate(*pair) for pair in zip(lines, targets, strict=True)])


def with_rate(line: Line, at_least: int) -> Line:
    """Return the line with the rate that it has to reach."""
    return Line(
        line.what, line.ours, line.floor, line.unit, line.ratios, target=f">= {at_least:,} rows/s"
    )


def sealing(count: int, options: Options) -> Timed:
    """Make a measurement that seals the whole log."""

    def timed() -> float:
        forget_seals()
        with Stopwatch(options.clock) as watch:
            made = seal()
        assert sum(one.count for one in made) >= count
        return watch.seconds

    return timed


def verifying(count: int, options: Options) -> Timed:
    """Make a measurement that verifies the whole log, which is sealed."""

    def timed() -> float:
        with Stopwatch(options.clock) as watch:
            verdict = verify()
        assert verdict.integrity == "clean", verdict
        assert verdict.entries >= count
        return watch.seconds

    return timed


def reading(columns: Sequence[str], options: Options) -> Timed:
    """Make the measurement of a cursor that reads columns of the whole log, a page at a time."""
    statement = (
        f"SELECT {', '.join(columns)} FROM {AuditEntry._meta.db_table} "
        f"WHERE id > %s ORDER BY id LIMIT {READ_ROWS}"
    )

    def timed() -> float:
        last = 0
        with Stopwatch(options.clock) as watch, connection.cursor() as cursor:
            cursor.execute(statement, [last])
            while page := cursor.fetchall():
                last = page[-1][0]
                cursor.execute(statement, [last])
        return watch.seconds

    return timed
