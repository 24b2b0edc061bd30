"""A management command that prints its peak memory in megabytes as the last line."""

from __future__ import annotations

import resource
import sys

import django
from django.core.management import call_command

if __name__ == "__main__":
    django.setup()
    call_command(*sys.argv[1:])
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(f"\n{kilobytes / 1024:.1f}\n")
