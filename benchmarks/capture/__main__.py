"""`python -m benchmarks.capture`: the measured process on a database of its own."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

from benchmarks.databases import scratch

START = "import django; django.setup(); from benchmarks.capture.work import main; main()"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capture", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="postgres")
    asked, rest = parser.parse_known_args()
    with scratch(asked.database) as database:
        environment = {
            **os.environ,
            "BT_BENCH_DATABASE": json.dumps(database),
            "DJANGO_SETTINGS_MODULE": "benchmarks.capture.settings",
        }
        subprocess.run([sys.executable, "-c", START, *rest], env=environment, check=True)


if __name__ == "__main__":
    main()
