"""Work that waits for nobody: one thread of the process does it, and no more than fits waits."""

from __future__ import annotations

import atexit
import contextvars
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TypeVarTuple

from django.db import connections

from bt_security.conf import conf

logger = logging.getLogger("bt_security.geo")

EXIT_SECONDS = 2.0
"""How long a process that ends waits for what is still to be done."""

Ts = TypeVarTuple("Ts")
Job = Callable[[], object]


class Worker:
    """Does jobs in the order they came. Its thread lives while there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: deque[Job] = deque()
        self._thread: threading.Thread | None = None
        self._is_running = False
        self._is_told = False
        self._is_closed = False

    def add(self, job: Job, *, limit: int) -> bool:
        """Take a job unless `limit` of them wait; the first that does not fit is a warning."""
        with self._lock:
            is_full = len(self._jobs) >= limit
            is_news = is_full and not self._is_told
            self._is_told |= is_full
            is_taken = not is_full and not self._is_closed and self._start()
            if is_taken:
                self._jobs.append(job)
        if is_news:
            logger.warning("%d look-ups of places wait already; more are dropped.", limit)
        return is_taken

    def drain(self, timeout_seconds: float) -> bool:
        """Wait until nothing is left to do; False if that takes longer."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            with self._lock:
                thread = self._thread
            if thread is None or not thread.is_alive():
                return True
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return False
            thread.join(remaining)

    def close(self, timeout_seconds: float) -> None:
        """Wait as `drain` does, then drop what is left and take nothing more."""
        self.drain(timeout_seconds)
        with self._lock:
            self._is_closed = True
            dropped = len(self._jobs) + self._is_running
            self._jobs.clear()
        if dropped:
            logger.warning("The process ends before %d look-ups of places are done.", dropped)

    def _start(self) -> bool:
        """Have a thread that comes for the next job once the lock is free."""
        if self._is_running:
            return True
        thread = threading.Thread(target=self._work, name="bt-security-geo", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # too many threads, or the process ends
            logger.error("A look-up of a place was dropped: no thread can be started.")
            return False
        self._thread, self._is_running = thread, True
        return True

    def _work(self) -> None:
        while (job := self._next()) is not None:
            _do(job)

    def _next(self) -> Job | None:
        with self._lock:
            if self._jobs:
                return self._jobs.popleft()
            self._is_running = self._is_told = False
            return None


def run_later(function: Callable[[*Ts], object], *args: *Ts) -> bool:
    """Call `function` soon, in a thread of its own; False if too much waits already.

    Its database connections are closed afterwards, and an error is a line in the log with its
    type. What still waits when the process ends has two seconds, then it is dropped.
    """
    return _worker.add(lambda: function(*args), limit=conf.geo.queue_size)


def drain(timeout_seconds: float) -> bool:
    """Wait until all that `run_later` was given is done; False if it is not in time."""
    return _worker.drain(timeout_seconds)


def _do(job: Job) -> None:
    try:
        try:
            # What one job leaves in context variables is not for the next.
            contextvars.Context().run(job)
        finally:
            connections.close_all()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the next job has to run all the same
        logger.error("A look-up of a place failed: %s.", type(error).__name__)


def _start_anew() -> None:
    """Forget the parent's thread and jobs in the child of a fork: they are not here."""
    global _worker
    _worker = Worker()


_worker = Worker()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
atexit.register(lambda: _worker.close(EXIT_SECONDS))
