"""Rotation of a large table: as many rows a second as with a small one?"""

from __future__ import annotations

from django.db import connection

from benchmarks.encryption.floors import HandWritten
from benchmarks.encryption.models import LargePlain, LargeRow, Row
from benchmarks.encryption.rotation import by_command, by_hand
from benchmarks.encryption.tables import empty, fill
from benchmarks.measure import Options, Pairs, paired
from benchmarks.report import Line, Result


def run(options: Options) -> Result:
    hand_written = HandWritten(LargePlain)
    empty(Row, LargeRow, LargePlain)
    fill(Row, options.rows)
    fill(LargeRow, options.large_rows)
    fill(LargePlain, options.large_rows, made=hand_written.seal)
    lines = [linear(options), linear(options, "--online")]
    floor = by_hand(hand_written, LargePlain, options)
    pairs = paired(by_command(LargeRow, options), floor, 1, warm=False)
    lines.append(
        Line.rate(f"{options.large_rows:,} rows / hand-written", pairs, options.large_rows)
    )
    return Result(
        f"rotation of {options.large_rows:,} rows / of {options.rows:,} rows "
        f"on {connection.display_name}, ratio of rows/s",
        lines,
    )


def linear(options: Options, *arguments: str) -> Line:
    """Compare rows per second of both sizes, one after the other."""
    large, small = by_command(LargeRow, options, *arguments), by_command(Row, options, *arguments)
    small()
    pairs: Pairs = paired(large, small, options.large_repeats, warm=False)
    per_row = options.large_rows / options.rows
    rates = [options.large_rows / seconds for seconds in sorted(pairs.ours)]
    small_rates = [options.rows / seconds for seconds in sorted(pairs.floor)]
    middle = len(rates) // 2
    return Line(
        " ".join(["rotate_keys", *arguments]),
        rates[middle],
        small_rates[middle],
        "rows/s",
        tuple(per_row / ratio for ratio in pairs.ratios),
        target="0.7..1.3x",
    )
