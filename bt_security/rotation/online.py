"""`--online`: committed batches beside a running site, by one worker or several."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import time
from dataclasses import dataclass, replace
from typing import Any

import django
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction

from bt_security.keys import Keyring, store
from bt_security.keys.inventory import SealedTable, sealed_tables
from bt_security.rotation.columns import ROWS_PER_BATCH, TablePlan
from bt_security.rotation.engine import TableRotation, Tick, ignore
from bt_security.rotation.leases import LEASE_SECONDS, Leases
from bt_security.rotation.report import Report
from bt_security.rotation.target import begin_rotation, rotation_keyring
from bt_security.rotation.throttle import Throttle

MOST_SWEEPS = 10
POLL_SECONDS = 0.1
TELL_SECONDS = 0.5

_looked_at: Any = None
"""Rows that all workers of this run have looked at, in memory shared with their parent."""


@dataclass(frozen=True, slots=True)
class OnlineOptions:
    """How to go about it; `rows_per_second` is for all workers together, None is no bound."""

    batch_size: int = ROWS_PER_BATCH
    rows_per_second: float | None = None
    from_database_key: bool = False
    lease_seconds: float = LEASE_SECONDS


def begin_online(report: Report, *, from_database_key: bool = False) -> Keyring:
    """Commit the note that values move, so that every process seals under the new key.

    Raises:
        KeyRefused: this process may not seal.
    """
    with transaction.atomic(using=store.alias()):
        return begin_rotation(report, from_database_key=from_database_key)


def rotate_online(
    keyring: Keyring,
    tables: list[SealedTable],
    report: Report,
    options: OnlineOptions,
    *,
    tick: Tick = ignore,
) -> None:
    """Sweep every table until a sweep finds nothing to do; each batch is committed.

    Tables that some process goes on sealing under an old key are named in the report.

    Every UPDATE compares the old text, so a concurrent write is never lost. A run that is
    killed leaves every row readable, and the next run goes on from what is still old.
    """
    throttle = Throttle(options.rows_per_second)
    for table in tables:
        rotation = _rotation(keyring, table, report, options, tick)
        for _ in range(MOST_SWEEPS):
            if not _sweep_together(rotation, throttle, options.lease_seconds):
                break
        else:
            report.add_still_written(rotation.plan.label)


def seal_what_is_left(
    keyring: Keyring,
    tables: list[SealedTable],
    report: Report,
    options: OnlineOptions,
    *,
    tick: Tick = ignore,
) -> None:
    """Count what is still old, and seal it without asking the ranges.

    They are rows that whoever can write the database can plant, so they share the work and
    prove nothing about it.
    """
    throttle = Throttle(options.rows_per_second)
    for table in tables:
        rotation = _rotation(keyring, table, report, options, tick)
        if rotation.plan.label not in report.still_written:
            _sweep_alone(rotation, throttle)


def _sweep_alone(rotation: TableRotation, throttle: Throttle) -> None:
    report = rotation.report
    for _ in range(MOST_SWEEPS):
        if not rotation.plan.count_old():
            return
        before = report.rows, report.lost_races
        for rows in rotation.pages():
            throttle.passed(rows)
        if (report.rows, report.lost_races) == before:
            return  # what is left did not open, and is among the failures
    report.add_still_written(rotation.plan.label)


def _rotation(
    keyring: Keyring, table: SealedTable, report: Report, options: OnlineOptions, tick: Tick
) -> TableRotation:
    # A batch is a second's work at most, so that a slow rate is no series of long pauses.
    most = max(1, int(options.rows_per_second or options.batch_size))
    return TableRotation(
        TablePlan(table, keyring.sealing_key.prefix),
        keyring,
        report,
        batch_size=min(options.batch_size, most),
        tick=tick,
    )


def _sweep_together(rotation: TableRotation, throttle: Throttle, lease_seconds: float) -> bool:
    """Take part in one sweep; return whether this worker changed anything or lost a race."""
    leases = Leases(rotation.plan, lease_seconds=lease_seconds)
    report = rotation.report
    before = report.rows, report.lost_races
    leases.join()
    while not leases.are_all_finished():
        one = leases.claim()
        if one is None:
            time.sleep(POLL_SECONDS)
            continue
        first, last = leases.keys_of(one)
        renewed = time.monotonic()
        for rows in rotation.pages(after=first, until=last):
            throttle.passed(rows)
            if time.monotonic() - renewed > lease_seconds / 4:
                renewed = time.monotonic()
                if not leases.renew(one):
                    break
        else:
            leases.finish(one)
    leases.clear()
    return (report.rows, report.lost_races) != before


def rotate_with_workers(
    report: Report,
    options: OnlineOptions,
    *,
    workers: int,
    chosen: list[str],
    using: str | None,
    tick: Tick = ignore,
) -> None:
    """Run `workers` processes that share the tables named in `chosen` by leased ranges.

    Raises:
        ImproperlyConfigured: the processes could not find the settings.
    """
    if "DJANGO_SETTINGS_MODULE" not in os.environ:
        raise ImproperlyConfigured("--workers needs DJANGO_SETTINGS_MODULE in the environment")
    connections.close_all()
    if options.rows_per_second is not None:
        options = replace(options, rows_per_second=options.rows_per_second / workers)
    context = multiprocessing.get_context("spawn")
    looked_at = context.Value("q", 0)
    with concurrent.futures.ProcessPoolExecutor(
        max_workers=workers, mp_context=context, initializer=_share, initargs=(looked_at,)
    ) as pool:
        jobs = {pool.submit(_work, options, chosen, using) for _ in range(workers)}
        told = 0
        running = jobs
        while running:
            _, running = concurrent.futures.wait(running, timeout=TELL_SECONDS)
            rows = int(looked_at.value)
            tick(rows - told)
            told = rows
        for job in jobs:
            report.merge(job.result())


def _share(looked_at: Any) -> None:
    global _looked_at
    _looked_at = looked_at


def _tell(rows: int) -> None:
    with _looked_at.get_lock():
        _looked_at.value += rows


def _work(options: OnlineOptions, chosen: list[str], using: str | None) -> Report:
    django.setup()
    report = Report()
    tables = [table for table in sealed_tables(using) if table.model._meta.label in chosen]
    keyring = rotation_keyring(from_database_key=options.from_database_key)
    try:
        rotate_online(keyring, tables, report, options, tick=_tell)
    finally:
        connections.close_all()
    return report
