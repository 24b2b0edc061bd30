"""One child process of `python -m benchmarks`: the benchmarks of a package on one database."""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command

from benchmarks.encryption.__main__ import machine


def run(results: Path, *, package: str, subject: str) -> None:
    """Run what the parent's environment asks for and write every repeat to `results`."""
    job = json.loads(os.environ["BT_BENCH_JOB"])
    only, kind = job.pop("only"), job.pop("kind")
    # Processes of their own, such as writers, have the same key.
    os.environ["TOKEN_ENCRYPTION_KEY"] = "benchmark-key-abcdefghijklmnopqrstuvwxyz-0123456789"
    django.setup()
    options = import_module("benchmarks.measure").Options(**job)
    # Tables of the floors refer to those of migrated apps, which have to be there before them.
    call_command("migrate", verbosity=0)
    call_command("migrate", run_syncdb=True, verbosity=0)
    shown = f"{subject} on {machine()}"
    print(f"\n#### {shown}")
    found: dict[str, Any] = {"machine": shown, "kind": kind, "job": job}
    for name in only:
        result = import_module(f"benchmarks.{package}.{name}").run(options)
        result.show()
        found[name] = result.as_json()
    results.write_text(json.dumps(found))
