"""A process that writes, or seals, when it is told to: `python -m benchmarks.audit.writer NUMBER`.

A job comes as one line of JSON; how long each piece of work took goes back as another.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import django
from django.db import transaction

ROWS_EACH = 100


class Writer:
    """Changes rows of its own and records each change, in one transaction."""

    def __init__(self, number: int) -> None:
        self._around = import_module("benchmarks.audit.around")
        self._models = import_module("benchmarks.audit.floors.models")
        self._record = import_module("bt_security.audit").record
        self._in_request = import_module("bt_security.audit.scopes").in_request
        self._request = self._around.made_request(f"writer{number}")
        self._number = number
        self._count = 0

    def write(self, until: float, think_seconds: float, *, locked: bool) -> list[float]:
        """Return the seconds of every transaction until a moment of the wall clock."""
        seconds = []
        with self._in_request(self._request):
            while time.time() < until:
                started = time.perf_counter()
                self._transaction(think_seconds, chain=self._chained if locked else self._entry)
                seconds.append(time.perf_counter() - started)
        return seconds

    def _transaction(self, think_seconds: float, *, chain: Callable[[Any], None]) -> None:
        self._count += 1
        pk = self._number * ROWS_EACH + self._count % ROWS_EACH + 1
        with transaction.atomic():
            item = self._models.Item(pk=pk, value=self._count)
            item.save(force_update=True)
            chain(item)
            # The rest of a view's work, which stands in the same transaction.
            time.sleep(think_seconds)

    def _entry(self, item: Any) -> None:
        self._record(self._around.ACTION, target=item, details=self._around.DETAILS)

    def _chained(self, item: Any) -> None:
        """Add a link to a chain, whose head one transaction at a time may have."""
        head = self._models.Head.objects.select_for_update().get()
        self._entry(item)
        head.digest = hashlib.sha256(bytes(head.digest) + str(item.pk).encode()).digest()
        head.save(force_update=True)


def sealed(until: float, every_seconds: float) -> dict[str, Any]:
    """Seal again and again, and once more at the end; return how many entries, and how long."""
    seal = import_module("bt_security.audit.seals.sealing").seal
    entries, busy = 0, 0.0
    while True:
        is_last = time.time() >= until
        started = time.perf_counter()
        entries += sum(one.count for one in seal())
        busy += time.perf_counter() - started
        if is_last:
            return {"entries": entries, "busy": busy}
        time.sleep(max(0.0, min(every_seconds, until - time.time())))


def main() -> None:
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever prints goes to the error stream
    django.setup()
    writer = Writer(int(sys.argv[1]))
    replies.write("{}\n")
    for line in sys.stdin:
        job = json.loads(line)
        answer = sealed(**job) if "every_seconds" in job else {"seconds": writer.write(**job)}
        replies.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
