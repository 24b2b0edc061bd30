"""One child process of `python -m benchmarks`: all benchmarks on one database."""

from __future__ import annotations

import json
import os
import platform
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import cryptography
import django
from django.core.management import call_command
from django.db import connection


def machine() -> str:
    """Say what the figures belong to."""
    server = "SQLite"
    if connection.vendor == "postgresql":
        server = f"PostgreSQL {connection.pg_version // 10_000}"
    return (
        f"{server}, Python {platform.python_version()}, Django {django.__version__}, "
        f"cryptography {cryptography.__version__}, {os.cpu_count()} processors, "
        f"{platform.system()} {platform.machine()}"
    )


def run(results: Path) -> None:
    """Run what the parent's environment asks for and write every repeat to `results`."""
    job = json.loads(os.environ["BT_BENCH_JOB"])
    only, kind = job.pop("only"), job.pop("kind")
    django.setup()
    # These import the models, so Django has to be set up first.
    keyset = import_module("benchmarks.encryption.keyset")
    options = import_module("benchmarks.measure").Options(**job)
    keyset.use_next_key()
    call_command("migrate", run_syncdb=True, verbosity=0)
    print(f"\n#### {machine()}")
    found: dict[str, Any] = {"machine": machine(), "kind": kind, "job": job}
    for name in only:
        result = import_module(f"benchmarks.encryption.{name}").run(options)
        result.show()
        found[name] = result.as_json()
    results.write_text(json.dumps(found))


if __name__ == "__main__":
    run(Path(sys.argv[1]))
