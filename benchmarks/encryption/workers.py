"""`--online` with two workers against one, and who used the processors: clients or the server."""

from __future__ import annotations

from statistics import median

from django.db import connection

from benchmarks.encryption.keyset import use_next_key
from benchmarks.encryption.models import LargeRow
from benchmarks.encryption.processes import Finished, rotate_in_child, server_cpu_seconds
from benchmarks.encryption.tables import empty, fill, vacuum
from benchmarks.measure import Options, Pairs, paired
from benchmarks.report import Line, Result

ROWS_MAX = 200_000


def run(options: Options) -> Result:
    rows = min(options.large_rows, ROWS_MAX)
    empty(LargeRow)
    fill(LargeRow, rows)
    cpu: dict[int, list[tuple[float, float, float]]] = {1: [], 2: []}

    def by(workers: int) -> float:
        use_next_key()
        vacuum(LargeRow)
        before = server_cpu_seconds()
        arguments = ["--online", "--workers", str(workers), "--model", LargeRow._meta.label]
        child: Finished = rotate_in_child(*arguments)
        after = server_cpu_seconds()
        server = after - before if before is not None and after is not None else 0.0
        cpu[workers].append((child.seconds, child.cpu_seconds, server))
        return child.seconds

    pairs: Pairs = paired(lambda: by(2), lambda: by(1), options.large_repeats, warm=False)
    target = 1.0 if connection.vendor == "postgresql" else None
    name = f"manage.py rotate_keys --online of {rows:,} rows, 2 workers / 1"
    lines = [Line.rate(name, pairs, rows, at_most=target)]
    title = f"two workers / one on {connection.display_name}, whole commands"
    return Result(title, lines, split(cpu))


def split(cpu: dict[int, list[tuple[float, float, float]]]) -> list[str]:
    """Return a sentence for each number of workers: wall, client and server seconds."""
    found = []
    for workers, runs in cpu.items():
        wall, client, server = (median(column) for column in zip(*runs, strict=True))
        busy = f"server {server:.2f} s" if server else "server not measured"
        found.append(f"{workers} worker(s): {wall:.2f} s; CPU: clients {client:.2f} s, {busy}")
    return found
