"""Peak memory of `manage.py rotate_keys`, a large table against a small one."""

from __future__ import annotations

from typing import Any

from django.db import connection

from benchmarks.encryption.keyset import use_next_key
from benchmarks.encryption.models import LargeRow, Row
from benchmarks.encryption.processes import peak_mb_of
from benchmarks.encryption.tables import empty, fill
from benchmarks.measure import Options
from benchmarks.report import Line, Result

GROWTH_MAX_MB = 30.0
ROTATION = ("rotate_keys", "--yes", "--no-progress")


def run(options: Options) -> Result:
    empty(Row, LargeRow)
    fill(Row, options.rows)
    fill(LargeRow, options.large_rows)
    lines = []
    for way in ([], ["--online"]):
        small, large = (peak_mb(model, *way) for model in (Row, LargeRow))
        lines.append(
            Line(
                " ".join(["rotate_keys", *way, f"{options.large_rows:,} rows / {options.rows:,}"]),
                large,
                small,
                "MB",
                (large / small,),
                target=f"grows {large - small:.1f} MB, < {GROWTH_MAX_MB:g}",
            )
        )
    return Result(f"peak memory of the command on {connection.display_name}", lines)


def peak_mb(model: Any, *arguments: str) -> float:
    """Return the peak memory of one rotation of a table in a process of its own."""
    use_next_key()
    return peak_mb_of(*ROTATION, "--model", model._meta.label, *arguments)
