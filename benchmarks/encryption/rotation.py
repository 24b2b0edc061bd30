"""`rotate_keys` of a small table, default and `--online`, against the hand-written rotation."""

from __future__ import annotations

from django.core.management import call_command
from django.db import connection, models

from benchmarks.encryption.floors import HandWritten
from benchmarks.encryption.keyset import use_next_key
from benchmarks.encryption.models import Plain, Row
from benchmarks.encryption.tables import empty, fill, vacuum
from benchmarks.measure import Options, Stopwatch, Timed, paired
from benchmarks.report import Line, Result

AT_MOST = 1.3


def run(options: Options) -> Result:
    hand_written = HandWritten(Plain)
    empty(Plain, Row)
    fill(Plain, options.rows, made=hand_written.seal)
    fill(Row, options.rows)
    floor = by_hand(hand_written, Plain, options)
    name = f"rotate_keys of {options.rows:,} rows"
    at_once = paired(by_command(Row, options), floor, options.repeats)
    online = paired(by_command(Row, options, "--online"), floor, options.repeats)
    lines = [
        Line.rate(name, at_once, options.rows, at_most=AT_MOST),
        Line.rate(f"{name}, --online", online, options.rows, at_most=AT_MOST),
        Line("fixed part: the same of 1 row", fixed(options), 0.0, "ms"),
        Line("fixed part, --online", fixed(options, "--online"), 0.0, "ms"),
    ]
    return Result(f"rotation / hand-written compare-and-swap on {connection.display_name}", lines)


def by_command(model: type[models.Model], options: Options, *arguments: str) -> Timed:
    """Make a measurement that re-seals all values of a table under a new key."""

    def timed() -> float:
        use_next_key()
        vacuum(model)
        with Stopwatch(options.clock) as watch:
            call_command(
                "rotate_keys", *arguments, model=[model._meta.label], yes=True, verbosity=0
            )
        return watch.seconds

    return timed


def by_hand(hand_written: HandWritten, model: type[models.Model], options: Options) -> Timed:
    """Make the measurement of the floor, on rows that `hand_written` sealed."""

    def timed() -> float:
        vacuum(model)
        with Stopwatch(options.clock) as watch:
            rows = hand_written.rotate()
        assert rows == model._default_manager.count()
        return watch.seconds

    return timed


def fixed(options: Options, *arguments: str) -> float:
    """Return the seconds that a rotation takes before and after its rows."""
    empty(Row)
    fill(Row, 1)
    timed = by_command(Row, options, *arguments)
    return sorted(timed() for _ in range(options.repeats))[options.repeats // 2]
