"""Eight processes that change and record, while another seals, and beside a locked chain."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

from django.db import connection

from benchmarks.audit.floors.models import Head, Item
from benchmarks.audit.writer import ROWS_EACH
from benchmarks.measure import Options
from benchmarks.report import Line, Result
from bt_security.audit.seals.sealing import seal

WRITERS = 8
THINK_SECONDS = (0.0, 0.005)
SEAL_EVERY_SECONDS = 1.0
ROUND_SECONDS = 3.0
LEAST_SECONDS = 0.2
ALONE, SEALED, LOCKED = "alone", "sealed", "locked"
WAYS = (ALONE, SEALED, LOCKED)
RATE_AT_LEAST, SLOWEST_AT_MOST = 0.9, 1.2


class Process:
    """A writer; asked by JSON lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.reply()

    def ask(self, **job: Any) -> None:
        """Send one job; `reply` waits for its answer."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()

    def reply(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a writer ended with code {self._process.wait()}")
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def started(number: int) -> Iterator[Process]:
    """Run a process of its own for as long as the block lasts."""
    command = [sys.executable, "-m", "benchmarks.audit.writer", str(number)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1) as process:
        try:
            yield Process(process)
        finally:
            assert process.stdin
            process.stdin.close()


@dataclass
class Rounds:
    """What the rounds of one way of writing gave: one value a round."""

    rates: list[float] = field(default_factory=list)
    middles: list[float] = field(default_factory=list)
    slowest: list[float] = field(default_factory=list)

    def add(self, seconds: list[float], lasted: float) -> None:
        cuts = quantiles(seconds, n=100)
        self.rates.append(len(seconds) / lasted)
        self.middles.append(cuts[49])
        self.slowest.append(cuts[98])


def run(options: Options) -> Result:
    lasts = min(ROUND_SECONDS, max(LEAST_SECONDS, options.large_rows / 300_000))
    Item.objects.all().delete()  # those of a measurement before
    Item.objects.bulk_create(Item(pk=pk + 1) for pk in range(WRITERS * ROWS_EACH))
    Head.objects.create(digest=b"\0" * 32)
    found = {(way, think): Rounds() for way in WAYS for think in THINK_SECONDS}
    busy: list[float] = []
    entries = 0
    with ExitStack() as stack:
        writers = [stack.enter_context(started(number)) for number in range(WRITERS)]
        sealer = stack.enter_context(started(WRITERS))
        # Every process connects and makes its caches before anything counts.
        one_round(writers, sealer, ALONE, 0.0, LEAST_SECONDS)
        for number in range(options.large_repeats):
            for way in WAYS[number % 3 :] + WAYS[: number % 3]:
                for think in THINK_SECONDS:
                    seal()
                    seconds, answer = one_round(writers, sealer, way, think, lasts)
                    found[way, think].add(seconds, lasts)
                    if answer:
                        busy.append(answer["busy"])
                        entries += answer["entries"]
                        assert answer["entries"] == len(seconds), (answer, len(seconds))
    title = f"{WRITERS} writer processes / the same alone on {connection.display_name}"
    return Result(title, lines(found), notes(found, busy, entries, lasts))


def one_round(
    writers: list[Process], sealer: Process, way: str, think: float, lasts: float
) -> tuple[list[float], dict[str, Any]]:
    """Let all write for a while; return the seconds of each transaction and what was sealed."""
    until = time.time() + lasts
    for writer in writers:
        writer.ask(until=until, think_seconds=think, locked=way == LOCKED)
    if way == SEALED:
        sealer.ask(until=until, every_seconds=SEAL_EVERY_SECONDS)
    seconds = [one for writer in writers for one in writer.reply()["seconds"]]
    return seconds, _all_sealed(sealer) if way == SEALED else {}


def _all_sealed(sealer: Process) -> dict[str, Any]:
    """Return what was sealed, that of the writers' last moments too."""
    answer = sealer.reply()
    sealer.ask(until=0.0, every_seconds=0.0)
    rest = sealer.reply()
    return {**answer, "entries": answer["entries"] + rest["entries"]}


def lines(found: dict[tuple[str, float], Rounds]) -> list[Line]:
    """Return throughput and the slowest hundredth of every way beside writing alone."""
    made = []
    for think in THINK_SECONDS:
        floor = found[ALONE, think]
        for way in (SEALED, LOCKED):
            ours, is_bar = found[way, think], way == SEALED
            name = {SEALED: "sealing every second", LOCKED: "one locked chain"}[way]
            name = f"{name}, +{1e3 * think:.0f} ms"
            rates = _ratios(ours.rates, floor.rates)
            slow = _ratios(ours.slowest, floor.slowest)
            target = f">= {RATE_AT_LEAST}x" if is_bar else ""
            rate = Line(
                name, median(ours.rates), median(floor.rates), "rows/s", rates, target=target
            )
            at_most = SLOWEST_AT_MOST if is_bar else None
            slowest = Line(
                f"{name}: p99",
                median(ours.slowest),
                median(floor.slowest),
                "ms",
                slow,
                at_most,
            )
            made += [rate, slowest]
    return made


def _ratios(ours: list[float], floor: list[float]) -> tuple[float, ...]:
    return tuple(one / other for one, other in zip(ours, floor, strict=True))


def notes(
    found: dict[tuple[str, float], Rounds], busy: list[float], entries: int, lasts: float
) -> list[str]:
    """Say what the sealer had to do, and the median latencies."""
    middles = ", ".join(
        f"{way} +{1e3 * think:.0f} ms {1e3 * median(rounds.middles):.1f} ms"
        for (way, think), rounds in found.items()
    )
    return [
        f"Rounds of {lasts:g} s, in turns. The sealer sealed all {entries:,} entries and was busy "
        f"{median(busy):.2f} s of a round.",
        f"Median latency of a transaction: {middles}.",
    ]
