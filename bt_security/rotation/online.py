"""`--online`: committed batches beside a running site, by one worker or several."""

from __future__ import annotations

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import django
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction

from bt_security.keys import Keyring, store
from bt_security.keys.inventory import SealedTable, sealed_tables
from bt_security.rotation.columns import TablePlan
from bt_security.rotation.engine import TableRotation, Tick, ignore
from bt_security.rotation.leases import LEASE_SECONDS, Leases
from bt_security.rotation.report import Report
from bt_security.rotation.target import begin_move, rewrap_purpose_keys, rotation_keyring
from bt_security.rotation.throttle import Throttle

POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class OnlineOptions:
    """How a worker goes about it; `rows_per_second` is per worker, None is no bound."""

    batch_size: int = 1000
    rows_per_second: float | None = None
    from_database_key: bool = False


def begin_online(keyring: Keyring, report: Report) -> None:
    """Commit the note that values move, so that every process seals under the new key."""
    with transaction.atomic(using=store.alias()):
        store.lock()
        begin_move(keyring)
        report.purpose_keys += rewrap_purpose_keys(keyring)


def rotate_online(
    keyring: Keyring,
    tables: list[SealedTable],
    report: Report,
    options: OnlineOptions,
    *,
    tick: Tick = ignore,
) -> None:
    """Sweep every table until a sweep finds nothing to do; each batch is committed.

    Every UPDATE compares the old text, so a concurrent write is never lost. A run that is
    killed leaves every row readable, and the next run goes on from what is still old.
    """
    throttle = Throttle(options.rows_per_second)
    for table in tables:
        rotation = TableRotation(
            TablePlan(table, keyring.sealing_key.prefix),
            keyring,
            report,
            batch_size=options.batch_size,
            tick=tick,
        )
        while _sweep_together(rotation, throttle):
            pass


def _sweep_together(rotation: TableRotation, throttle: Throttle) -> bool:
    """Take part in one sweep; return whether this worker changed anything or lost a race."""
    leases = Leases(rotation.plan)
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
            if time.monotonic() - renewed > LEASE_SECONDS / 4:
                renewed = time.monotonic()
                if not leases.renew(one):
                    break
        else:
            leases.finish(one)
    leases.clear()
    return (report.rows, report.lost_races) != before


def rotate_with_workers(
    report: Report, options: OnlineOptions, *, workers: int, chosen: list[str], using: str | None
) -> None:
    """Run `workers` processes that share the tables named in `chosen` by leased ranges.

    Raises:
        ImproperlyConfigured: the processes could not find the settings.
    """
    if "DJANGO_SETTINGS_MODULE" not in os.environ:
        raise ImproperlyConfigured("--workers needs DJANGO_SETTINGS_MODULE in the environment")
    connections.close_all()
    with ProcessPoolExecutor(
        max_workers=workers, mp_context=multiprocessing.get_context("spawn")
    ) as pool:
        jobs = [pool.submit(_work, options, chosen, using) for _ in range(workers)]
        for job in jobs:
            report.merge(job.result())


def _work(options: OnlineOptions, chosen: list[str], using: str | None) -> Report:
    django.setup()
    report = Report()
    tables = [table for table in sealed_tables(using) if table.model._meta.label in chosen]
    keyring = rotation_keyring(from_database_key=options.from_database_key)
    try:
        rotate_online(keyring, tables, report, options)
    finally:
        connections.close_all()
    return report
