"""Child processes and the database server: how much time and memory they took."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

PROC = Path("/proc")


@dataclass(frozen=True)
class Finished:
    """A child that has ended: wall seconds, and CPU seconds of it and its own children."""

    seconds: float
    cpu_seconds: float


def rotate_in_child(*arguments: str) -> Finished:
    """Run `manage.py rotate_keys` as a site does."""
    command = [sys.executable, "-m", "django", "rotate_keys", "--yes", "--no-progress", *arguments]
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return Finished(time.perf_counter() - started, usage.ru_utime + usage.ru_stime)


PEAK = """
import resource, sys
from pathlib import Path
from django.core.management import execute_from_command_line
execute_from_command_line(["django", *sys.argv[1:]])
status = Path("/proc/self/status")
if status.exists():
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    kilobytes = int(lines["VmHWM"].split()[0])
else:
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print("peak", kilobytes)
"""


def peak_mb_of(*command_line: str) -> float:
    """Run a command of the site in a new process and return the most memory it held.

    The process says so itself: what its parent is told (`ru_maxrss`) starts at the parent's size.
    """
    command = [sys.executable, "-c", PEAK, *command_line]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return int(printed.split()[-1]) / 1024


def server_cpu_seconds() -> float | None:
    """Return the CPU time of all PostgreSQL processes so far, None if it is not on this machine.

    The server's main process counts those of its children that have ended.
    """
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = _stat(cursor.fetchone()[0])
    if backend is None or "postgres" not in backend[0]:
        return None
    main = int(backend[1][1])
    ticks = 0
    for entry in PROC.glob("[0-9]*"):
        stat = _stat(int(entry.name))
        if stat is None:
            continue
        if int(entry.name) == main:
            ticks += sum(int(number) for number in stat[1][11:15])
        elif int(stat[1][1]) == main:
            ticks += sum(int(number) for number in stat[1][11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> tuple[str, list[str]] | None:
    """Return name and the fields after it of a process's line in /proc, from its state on."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    name, _, rest = text.partition("(")[2].rpartition(")")
    return name, rest.split()
