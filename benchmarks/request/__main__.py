"""One child process of `python -m benchmarks`: requests, each stack in a process of its own."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.databases import scratch
from benchmarks.measure import Options, paired
from benchmarks.report import Line, Result
from benchmarks.request.stacks import COMPARISONS, HAS_DJANGOS_CSP, REDIS_STACKS, Comparison

REDIS_URL = "BT_TEST_REDIS_URL"


class Site:
    """A worker process; asked by JSON lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.django = self._reply()["django"]

    def ask(self, **job: Any) -> dict[str, Any]:
        """Send one job and wait for its answer."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return self._reply()

    def _reply(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a measured site ended with code {self._process.wait()}")
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def served(stack: str) -> Iterator[Site]:
    """Run the site of a stack on a database of its own."""
    with scratch("sqlite") as database:
        database["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
        database["CONN_MAX_AGE"] = None
        site = {"database": database, "redis": os.environ.get(REDIS_URL, "")}
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.request.worker", stack],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env={**os.environ, "BT_BENCH_SITE": json.dumps(site)},
        )
        try:
            yield Site(process)
        finally:
            assert process.stdin
            process.stdin.close()
            process.wait()


def compare(one: Comparison, options: Options) -> tuple[Line, str]:
    """Measure a comparison; return its line and the version of Django."""
    with ExitStack() as stack:
        ours, floor = (stack.enter_context(served(name)) for name in (one.ours, one.floor))
        if one.sessions:
            ours.ask(sessions=one.sessions)
        count = max(5, options.rows // 200)
        pairs = paired(
            lambda: ours.ask(what=one.request, count=count)["seconds"],
            lambda: floor.ask(what=one.request, count=count)["seconds"],
            3 * options.repeats,
        )
        return Line.of(one.what, pairs, "us", at_most=one.at_most), ours.django


def run(options: Options) -> tuple[Result, str]:
    """Measure all comparisons, those of Redis where a server is given."""
    has_redis = bool(os.environ.get(REDIS_URL))
    chosen = [one for one in COMPARISONS if has_redis or one.ours not in REDIS_STACKS]
    found = [compare(one, options) for one in chosen]
    headers = (
        "its own policy middleware" if HAS_DJANGOS_CSP else "django-csp (it has no own policy yet)"
    )
    notes = [f"The floor of the headers is Django's middleware with {headers}."]
    if not has_redis:
        notes.append(f"Redis is left out: {REDIS_URL} is not given.")
    title = "a request / the same with Django's own part"
    return Result(title, [line for line, _ in found], notes), found[0][1]


def main(results: Path) -> None:
    job = json.loads(os.environ["BT_BENCH_JOB"])
    result, version = run(Options(**job))
    machine = (
        f"Requests on SQLite, Python {platform.python_version()}, Django {version}, "
        f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}"
    )
    print(f"\n#### {machine}")
    result.show()
    found = {"machine": machine, "job": job, "request": result.as_json()}
    results.write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
