"""Comparing seals with entries: here, or in several processes."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator

import django
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from bt_security.audit.seals.ranges import Ranges
from bt_security.audit.verification.entries import Part, check_seals
from bt_security.audit.verification.findings import Kind
from bt_security.audit.verification.rows import Reader, mac_secrets
from bt_security.models import AuditSeal

ENTRIES_PER_JOB = 20_000
SEALS_PER_JOB = 500
WAITING_PER_WORKER = 2

_Running = dict[concurrent.futures.Future[Part], list[AuditSeal]]

Tick = Callable[[int], None]
"""Told how many entries were read."""


def in_jobs(seals: Iterable[AuditSeal]) -> Iterator[list[AuditSeal]]:
    """Group seals that follow each other to pieces of work of similar size."""
    job: list[AuditSeal] = []
    entries = 0
    for seal in seals:
        is_full = entries >= ENTRIES_PER_JOB or len(job) >= SEALS_PER_JOB
        if job and (is_full or seal.after_id != job[-1].last_id):
            yield job
            job, entries = [], 0
        job.append(seal)
        entries += seal.count
    if job:
        yield job


class Work:
    """Checks jobs and puts together what was found.

    `pruned` returns the seals whose entries may be missing; it is asked again where some are.
    """

    def __init__(self, using: str, *, pruned: Callable[[], Ranges], tick: Tick) -> None:
        self._using = using
        self._pruned = pruned
        self._tick = tick
        self._reader = Reader(using)
        self._secrets = mac_secrets()
        self.part = Part()

    def do(self, jobs: Iterable[list[AuditSeal]]) -> None:
        """Check the jobs here, one after the other."""
        for job in jobs:
            self._take(check_seals(self._reader, self._secrets, job, pruned=self._pruned()), job)

    def share(self, jobs: Iterable[list[AuditSeal]], *, workers: int) -> None:
        """Check the jobs in `workers` processes; only a few jobs wait at a time.

        Raises:
            ImproperlyConfigured: the processes could not find the settings.
        """
        if "DJANGO_SETTINGS_MODULE" not in os.environ:
            raise ImproperlyConfigured("--workers needs DJANGO_SETTINGS_MODULE in the environment")
        running: _Running = {}
        with concurrent.futures.ProcessPoolExecutor(
            max_workers=workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=django.setup,
        ) as pool:
            for job in jobs:
                running[pool.submit(_work, self._using, job, self._pruned())] = job
                if len(running) >= workers * WAITING_PER_WORKER:
                    self._collect(running)
            while running:
                self._collect(running)

    def _collect(self, running: _Running) -> None:
        first = concurrent.futures.FIRST_COMPLETED
        for done in concurrent.futures.wait(running, return_when=first).done:
            self._take(done.result(), running.pop(done))

    def _take(self, done: Part, job: list[AuditSeal]) -> None:
        if done.found.has(Kind.DELETED):
            # They may have been pruned since: the record is committed before the first is deleted.
            done = check_seals(self._reader, self._secrets, job, pruned=self._pruned())
        self._tick(done.entries)
        self.part.merge(done)


def _work(using: str, seals: list[AuditSeal], pruned: Ranges) -> Part:
    try:
        return check_seals(Reader(using), mac_secrets(), seals, pruned=pruned)
    finally:
        connections.close_all()
