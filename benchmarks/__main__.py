"""`python -m benchmarks`: one child process per database, tables as they come, JSON at the end."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.audit.names import NAMES as AUDIT_NAMES
from benchmarks.databases import POSTGRES_URL, scratch
from benchmarks.encryption.names import NAMES
from benchmarks.history.names import NAMES as HISTORY_NAMES
from benchmarks.page import put, results

ROOT = Path(__file__).resolve().parent.parent
AUDIT = "audit"
HISTORY = "history"
REQUEST = "request"
"""The benchmark whose stacks are sites of their own, each in a process with its settings."""

PARTS = {AUDIT: AUDIT_NAMES, HISTORY: HISTORY_NAMES}
"""Packages that have sites of their own, and can be asked for as a whole."""

ALL_NAMES = [*NAMES, *AUDIT_NAMES, *HISTORY_NAMES, REQUEST]

FULL = {"rows": 20_000, "large_rows": 1_000_000, "repeats": 7, "large_repeats": 5}
QUICK = {"rows": 5_000, "large_rows": 50_000, "repeats": 3, "large_repeats": 2}


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    made.add_argument("--quick", action="store_true", help="smaller sizes, about two minutes")
    made.add_argument("--rows", type=int, help="rows of the small tables (20000)")
    made.add_argument("--large-rows", type=int, help="rows of the large tables (1000000)")
    made.add_argument("--repeats", type=int, help="pairs of each small measurement (7)")
    made.add_argument("--large-repeats", type=int, help="pairs of each large measurement (5)")
    made.add_argument(
        "--only",
        action="append",
        choices=[*ALL_NAMES, *PARTS],
        help="one benchmark, repeatable; audit: all of the audit log, history: of the log-ins",
    )
    made.add_argument("--database", choices=["sqlite", "postgres"], help="default: all there are")
    made.add_argument(
        "--clock",
        choices=["wall", "cpu"],
        default="wall",
        help="cpu: this process's CPU time, for machines that others use (leaves out servers)",
    )
    made.add_argument("--json", type=Path, metavar="FILE", help="write every repeat")
    made.add_argument("--page", type=Path, metavar="FILE", help="put the tables into this page")
    return made


def sizes(asked: argparse.Namespace) -> dict[str, int]:
    """Return the sizes: what was asked for, else those of a quick or full run."""
    base = QUICK if asked.quick else FULL
    return {name: getattr(asked, name) or value for name, value in base.items()}


def databases(asked: argparse.Namespace) -> list[str]:
    """Return the kinds to measure."""
    if asked.database:
        return [asked.database]
    return ["sqlite", *(["postgres"] if os.environ.get(POSTGRES_URL) else [])]


def chosen(asked: argparse.Namespace) -> list[str]:
    """Return the names of what to measure."""
    only = set(asked.only or ALL_NAMES)
    for part in only.intersection(PARTS):
        only.update(PARTS[part])
    return [name for name in ALL_NAMES if name in only]


def measure(
    kind: str, asked: argparse.Namespace, results: Path, *, package: str, only: list[str]
) -> dict[str, Any]:
    """Run benchmarks of one package on one kind of database in a process of its own."""
    with scratch(kind) as database:
        job = {**sizes(asked), "clock": asked.clock, "only": only, "kind": kind}
        settings = f"benchmarks.{package}.site" if package in PARTS else "benchmarks.settings"
        environment = {
            **os.environ,
            "BT_BENCH_DATABASE": json.dumps(database),
            "BT_BENCH_JOB": json.dumps(job),
            "DJANGO_SETTINGS_MODULE": settings,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        }
        for name in [name for name in environment if name.startswith("TOKEN_ENCRYPTION_KEY")]:
            del environment[name]
        command = [sys.executable, "-m", f"benchmarks.{package}", str(results)]
        subprocess.run(command, env=environment, check=True)
    found: dict[str, Any] = json.loads(results.read_text())
    return found


def measure_requests(asked: argparse.Namespace, results: Path) -> dict[str, Any]:
    """Run the benchmark of requests, which has a database for each of its sites."""
    job = {**sizes(asked), "clock": asked.clock}
    environment = {**os.environ, "BT_BENCH_JOB": json.dumps(job)}
    command = [sys.executable, "-m", "benchmarks.request", str(results)]
    subprocess.run(command, env=environment, check=True, cwd=ROOT)
    found: dict[str, Any] = json.loads(results.read_text())
    return found


def write_page(page: Path, found: dict[str, Any]) -> None:
    """Put the tables into a page; what was not measured stays as it is."""
    requests = {name: one for name, one in found.items() if name == REQUEST}
    others = {name: one for name, one in found.items() if name not in (*PARTS, REQUEST)}
    parts = {f"bench-{part}": found.get(part) for part in PARTS}
    for name, measured in {"bench": others, **parts, "bench-requests": requests}.items():
        if measured:
            page.write_text(put(page.read_text(), results(measured), name=name))


def measured(asked: argparse.Namespace, directory: Path) -> dict[str, Any]:
    """Measure what was asked for."""
    only = chosen(asked)
    encryption = [name for name in only if name in NAMES]
    parts = {part: [name for name in only if name in names] for part, names in PARTS.items()}
    kinds = databases(asked) if encryption or any(parts.values()) else []
    if kinds and "postgres" not in kinds:
        print(f"PostgreSQL is left out: {POSTGRES_URL} is not given")
    found: dict[str, Any] = {}
    for kind in kinds:
        file = directory / f"{kind}.json"
        if encryption:
            found[kind] = measure(kind, asked, file, package="encryption", only=encryption)
        for part, names in parts.items():
            if names:
                one = measure(kind, asked, file, package=part, only=names)
                found.setdefault(part, {})[kind] = one
    if REQUEST in only:
        found[REQUEST] = measure_requests(asked, directory / f"{REQUEST}.json")
    return found


def main(arguments: list[str] | None = None) -> int:
    asked = parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        found = measured(asked, Path(directory))
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))
    if asked.page:
        write_page(asked.page, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
