"""A management command that prints its peak memory in megabytes as the last line."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import django
from django.core.management import call_command

if __name__ == "__main__":
    django.setup()
    call_command(*sys.argv[1:])
    # `getrusage` would also count what the parent process had when it started this one.
    status = Path("/proc/self/status").read_text()
    kilobytes = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])
    sys.stdout.write(f"\n{kilobytes / 1024:.1f}\n")
