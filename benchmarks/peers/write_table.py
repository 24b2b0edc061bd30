"""Puts the results of `encryption_peers.py` into a page, between two marker lines."""

from __future__ import annotations

import json
import platform
import re
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.page import put, table

RAW = "raw AESGCM + urandom(12)"
OURS = "bt_security"
SHOWN = {OURS: "**django-bt-security**", "plain": "plain `TextField`"}
DATABASES = {"sqlite": ("SQLite", "cas_executemany"), "postgresql": ("PostgreSQL", "cas_values")}
REASON_LENGTH = 110

Rows = list[list[str]]


def order(names: list[str]) -> list[str]:
    """Put the floors first, ours next, then the peers as they come."""
    first = [name for name in (RAW, "plain", OURS) if name in names]
    return first + [name for name in names if name not in first]


def shown(name: str) -> str:
    return SHOWN.get(name, name.replace("==", " "))


def field_level(result: dict[str, Any]) -> str:
    """Return the table of single values."""
    small, large = result["field_64"], result["field_4096"]
    floors = [found[RAW][side] for found in (small, large) for side in ("enc", "dec")]
    rows: Rows = []
    for name in order(list(small)):
        if name == "plain":
            continue
        times = [found[name][side] for found in (small, large) for side in ("enc", "dec")]
        cells = [
            f"{1e6 * seconds:.2f} ({seconds / floor:.1f}x)"
            for seconds, floor in zip(times, floors, strict=True)
        ]
        rows.append([shown(name), *cells, str(int(small[name]["stored"]))])
    head = ["µs (ratio to the raw call)", "seal 64 B", "open 64 B", "seal 4 KiB", "open 4 KiB"]
    return table([*head, "bytes stored of 64"], rows)


def first_use(result: dict[str, Any]) -> str:
    """Return the table of start and first use."""
    names = {name.split("==")[0]: key for key, name in result["versions"].items()}
    rows = []
    for key in order(list(result["startup"])):
        times = result["startup"][key]
        label = next((name for name, known in names.items() if known == key), key)
        made, first = times["import_and_20_fields"], times["first_encrypt_20_fields"]
        start = times["setup"]
        cells = (f"{1e3 * start:.0f}", f"{1e3 * made:.0f}", f"{1e3 * first:.1f}")
        rows.append([shown(label), *cells])
    head = ["ms", "`django.setup()`", "import and a model of 20 fields", "first value through each"]
    return table(head, rows)


def of_rows(result: dict[str, Any], phase: str) -> str:
    """Return the table of one database: writing, reading, rotation."""
    found, floors = result[f"rows_{phase}"], result[f"floor_{phase}"]
    floor, plain = floors[DATABASES[phase][1]], found["plain"]
    rows: Rows = []
    for name in order(list(found)):
        times = found[name]
        created, read = times["bulk_create"], times["read"]
        cells = [
            f"{created:.3f} ({created / plain['bulk_create']:.1f}x)",
            f"{read:.3f} ({read / plain['read']:.1f}x)",
        ]
        if "rotate" in times:
            rotated, left = times["rotate"], times["not_rotated_of_200"]
            cells += [
                f"{rotated:.2f} ({rotated / floor:.1f}x)",
                f"{result['rows'] / rotated:,.0f}",
                f"{left:.0f}",
            ]
        rows.append([shown(name), *cells, *["-"] * (5 - len(cells))])
    head = ["s (ratio to the floor)", "`bulk_create`", "read", "rotate", "rows/s rotated"]
    return table([*head, "of 200 not rotated"], rows)


def reason(text: str) -> str:
    """Return why a peer has no figures, on one line and without paths."""
    text = re.sub(r"\S*/(\S+)", r"\1", text).replace("|", "\\|").replace("\n", " ")
    return text if len(text) <= REASON_LENGTH else text[:REASON_LENGTH] + "…"


def failures(result: dict[str, Any]) -> str:
    """Return the table of peers without figures."""
    rows = [
        [shown(result["versions"].get(key.split()[0], key)), reason(why)]
        for key, why in result["failed"].items()
    ]
    return table(["does not run", "because"], rows, left=2) if rows else "All of them ran."


def machine() -> str:
    """Say what was measured on."""
    names = ("django", "cryptography", "psycopg")
    packages = ", ".join(f"{name} {version(name)}" for name in names)
    return f"Python {platform.python_version()}, {packages}, {platform.system()}"


def page(result: dict[str, Any], when: datetime) -> str:
    """Return everything between the markers."""
    load = result["loadavg_start"][0]
    parts = [
        f"Measured {when:%Y-%m-%d} by `make bench-peers`: {machine()}; {result['rows']:,} rows of "
        f"64 characters, medians of {result['repeats']} repeats (7 at field level), load average "
        f"{load:.1f} at the start. `rotate` is compared with a hand-written compare-and-swap.",
        "### One value",
        field_level(result),
        "### Start",
        first_use(result),
    ]
    for phase, (label, _) in DATABASES.items():
        parts.append(f"### {result['rows']:,} rows on {label}")
        parts.append(of_rows(result, phase) if f"rows_{phase}" in result else "Not measured.")
    parts += ["### Without figures", failures(result)]
    return "\n\n".join(parts)


def main() -> None:
    results, target = Path(sys.argv[1]), Path(sys.argv[2])
    made = page(json.loads(results.read_text()), datetime.now(UTC))
    target.write_text(put(target.read_text(), made, name="peers"))


if __name__ == "__main__":
    main()
