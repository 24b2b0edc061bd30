"""`prune_security_logs` against one bare DELETE of the same rows, and its memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from benchmarks.encryption.processes import peak_mb_of
from benchmarks.encryption.tables import empty
from benchmarks.history.filling import fill, person, tidy
from benchmarks.measure import Options, Stopwatch, Timed, paired
from benchmarks.report import Line, Result
from bt_security.history.kinds import all_kinds
from bt_security.history.pruning import prune
from bt_security.models import LoginEvent

OLD = timedelta(days=200)
KEPT = timedelta(days=180)
FEW = 1_000
GROWTH_MAX_MB = 10.0


def run(options: Options) -> Result:
    count = max(10, options.large_rows // 20)
    ours, floor = (timed(how, count, options) for how in (pruned, bare))
    pairs = paired(ours, floor, options.large_repeats, warm=False)
    lines = [
        Line.rate(f"deleting {count:,} old log-ins / one DELETE", pairs, count),
        memory(options.large_rows),
    ]
    note = (
        "One DELETE holds the table for the whole time, `prune_security_logs` for a batch. "
        "On SQLite it stays away after each batch for as long as the batch took, so that "
        "others can write: half of its time there is waiting."
    )
    return Result(f"pruning / a bare DELETE on {connection.display_name}", lines, [note])


def timed(delete: Callable[[], int], count: int, options: Options) -> Timed:
    """Return what fills the table, and deletes what is old of it."""

    def once() -> float:
        empty(LoginEvent)
        fill(LoginEvent, person("reader"), count, newest=timezone.now() - OLD)
        tidy(LoginEvent)
        with Stopwatch(options.clock) as watch:
            deleted = delete()
        assert deleted == count, (deleted, count)
        return watch.seconds

    return once


def pruned() -> int:
    """Delete as the command does."""
    logins, *_ = all_kinds()
    return prune(logins)


def bare() -> int:
    """Delete by the one statement that somebody would write."""
    table = LoginEvent._meta.db_table
    before = connection.ops.adapt_datetimefield_value(timezone.now() - KEPT)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE happened_at < %s", [before])
        deleted: int = cursor.rowcount
    return deleted


def memory(many: int) -> Line:
    """Return the peak memory of the command with many and with a few rows."""
    few = min(FEW, many)
    peaks = []
    for count in (few, many):
        empty(LoginEvent)
        fill(LoginEvent, person("reader"), count, newest=timezone.now() - OLD)
        peaks.append(peak_mb_of("prune_security_logs"))
        assert not LoginEvent.objects.exists()
    small, large = peaks
    return Line(
        f"peak memory, {many:,} rows / {few:,}",
        large,
        small,
        "MB",
        (large / small,),
        target=f"grows {large - small:.1f} MB, < {GROWTH_MAX_MB:g}",
    )
