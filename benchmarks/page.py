"""The results in `docs/benchmarks.md`, between marker lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.report import HEAD, Line


def put(text: str, made: str, *, name: str) -> str:
    """Return a page with what is between the markers of `name` replaced.

    Raises:
        ValueError: the page does not have both markers.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"the page has no markers {begin} and {end}")
    return f"{before}{begin}\n\n{made}\n\n{end}{after}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Return a Markdown table whose first `left` columns are text, the others numbers."""
    rule = ["---"] * left + ["---:"] * (len(head) - left)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, rule, *rows])


def results(found: dict[str, Any]) -> str:
    """Return the tables of `python -m benchmarks` by database."""
    parts = [f"Measured {datetime.now(UTC):%Y-%m-%d} by `make bench`."]
    for one in found.values():
        job = one["job"]
        clock = "CPU time of the process" if job["clock"] == "cpu" else "wall clock"
        parts.append(
            f"### {one['machine']}\n\nMedians of {job['repeats']} pairs "
            f"({job['large_repeats']} of the large tables), {clock}."
        )
        parts += [_one(result) for result in one.values() if "lines" in result]
    return "\n\n".join(parts)


def _one(result: dict[str, Any]) -> str:
    rows = [Line(**line).cells() for line in result["lines"]]
    title = f"{result['title']} (load average {result['load']:.1f})"
    return "\n\n".join([f"**{title}**", table(HEAD, rows), *result["notes"]])
