"""Puts the results of `audit_peers.py`, one file a part, into a page, between two marker lines."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.page import put, table

OURS = "bt_security"
NAMES = {
    "bare": "bare Django",
    "auditlog": "django-auditlog",
    "simple_history": "django-simple-history",
    "pghistory": "django-pghistory",
    "easyaudit": "django-easy-audit",
    "field_audit": "django-field-audit",
    "explicit": "one hand-written INSERT",
    OURS: "**django-bt-security**",
}
OPERATIONS = ("create", "update", "delete", "read", "bulk_create", "qs_update", "qs_delete")
MODES = {
    "pg/atomic": "PostgreSQL, one transaction",
    "pg/autocommit": "PostgreSQL, a commit for each row",
    "sqlite/atomic": "SQLite, one transaction",
    "sqlite/autocommit": "SQLite, a commit for each row",
}
LISTING = {
    "admin page 1": "first page",
    "admin page 1000": "page 1,000",
    "admin filter actor": "filter by actor",
    "admin filter one day": "one day",
    "admin search": "search",
    "purge half (s)": "purge of half, s",
}


def changes(found: dict[str, dict[str, Any]]) -> str:
    """Return the table of one mode: how much longer changes take than without a log."""
    rows = []
    for name, one in found.items():
        ratios = [f"{one['ratio'][op]:.1f}x" if op in one["ratio"] else "-" for op in OPERATIONS]
        size = f"{one['bytes_per_event']:.0f}" if one.get("bytes_per_event") else "-"
        rows.append([NAMES[name], *ratios, size])
    return table(["ratio to bare Django", *OPERATIONS, "bytes an event"], rows)


def pages(found: dict[str, dict[str, Any]]) -> str:
    """Return the table of the admin's pages, in milliseconds."""
    rows = [
        [NAMES[name], *(str(one.get(key, "-")) for key in LISTING)]
        for name, one in found.items()
        if "error" not in one
    ]
    return table(["ms", *LISTING.values()], rows)


def behaviour(found: dict[str, dict[str, Any]]) -> str:
    """Return the table of what each package does where it matters."""
    names = [name for name, one in found.items() if "error" not in one]
    asked = [question for question in found[names[0]] if all(question in found[n] for n in names)]
    rows = [[question, *(str(found[name][question]) for name in names)] for question in asked]
    return table(["", *(NAMES[name] for name in names)], rows, left=1 + len(names))


def page(result: dict[str, Any], when: datetime) -> str:
    """Return everything between the markers."""
    parts = [
        f"Measured {when:%Y-%m-%d} by `make bench-peers`: Python {result['python']}; medians of "
        f"{result['rounds']} rounds in turns, {result['n']:,} rows in one transaction and a fifth "
        "of that with a commit for each; a PostgreSQL of its own that waits for the disk. On one "
        "call for many rows (`bulk_create`, `qs_…`) a ratio near 1 mostly means that nothing was "
        "recorded; this package records one summary."
    ]
    for mode, title in MODES.items():
        if mode in result.get("crud", {}):
            parts += [f"### Changes on {title}", changes(result["crud"][mode])]
    if result.get("listing"):
        parts += [f"### The admin's pages of {result['rows']:,} events", pages(result["listing"])]
    if result.get("probe"):
        parts += ["### Behaviour", behaviour(result["probe"])]
    return "\n\n".join(parts)


def main() -> None:
    *results, target = map(Path, sys.argv[1:])
    parts = [json.loads(file.read_text()) for file in results]
    made = page({name: one for part in parts for name, one in part.items()}, datetime.now(UTC))
    target.write_text(put(target.read_text(), made, name="peers-audit"))


if __name__ == "__main__":
    main()
