"""One child process of `python -m benchmarks`: the audit log on one database."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.child import run

if __name__ == "__main__":
    run(Path(sys.argv[1]), package="audit", subject="Audit log")
