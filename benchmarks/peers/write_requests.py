"""Puts the results of `request_overhead.py` into a page, between two marker lines."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.page import put, table

GROUPS = {
    "a": "Headers and a nonce, beside a bare page",
    "b": "Sessions, beside Django's database engine",
    "c": "A limit check, beside the view without one",
    "d": "A log-in, beside Django's own",
    "e": "Second factors, beside a hand-written check",
}


def group(found: dict[str, dict[str, Any]], letter: str) -> str:
    """Return the table of one group of stacks."""
    rows = []
    for name, one in found.items():
        stack, _, scenario = name.partition("/")
        if not stack.startswith(f"{letter}."):
            continue
        label = stack[2:]
        shown = f"**{label}**" if label.startswith("bt_security") else label
        spread = f"{one['q1']:.2f}..{one['q3']:.2f}"
        figures = [f"{one[key]:.2f}x" for key in ("ratio", "quiet", "cpu_ratio")]
        rows.append([shown, scenario, f"{one['us']:.0f}", figures[0], spread, *figures[1:]])
    head = ["stack", "request", "µs", "ratio", "quartiles", "best rounds", "CPU time"]
    return table(head, rows, left=2)


def page(result: dict[str, Any], when: datetime) -> str:
    """Return everything between the markers."""
    meta, found = result["meta"], result["results"]
    versions = ", ".join(f"{name} {version}" for name, version in meta["versions"].items())
    parts = [
        f"Measured {when:%Y-%m-%d} by `make bench-peers`: Python {meta['python']}, {versions}; "
        f"{meta['rounds']} rounds of {meta['batch']} requests each, SQLite and Redis on the same "
        "machine. `ratio` is the median of the rounds' ratios, `best rounds` compares the quietest "
        "round of each, `CPU time` leaves out what Redis did."
    ]
    for letter, title in GROUPS.items():
        parts += [f"### {title}", group(found, letter)]
    left_out = [f"- {reason}" for reason in result["skipped"]]
    return "\n\n".join([*parts, *(["Left out:", "\n".join(left_out)] if left_out else [])])


def main() -> None:
    results, target = Path(sys.argv[1]), Path(sys.argv[2])
    made = page(json.loads(results.read_text()), datetime.now(UTC))
    target.write_text(put(target.read_text(), made, name="peers-requests"))


if __name__ == "__main__":
    main()
