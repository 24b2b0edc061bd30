"""Several workers, on one host or several, share a table by leased ranges."""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import sys
import time
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.models.functions import Now

from bt_security.keys.inventory import sealed_tables
from bt_security.models import RotationRange
from bt_security.rotation.columns import TablePlan
from bt_security.rotation.leases import Leases
from bt_security.rotation.online import (
    OnlineOptions,
    begin_online,
    rotate_online,
    rotate_with_workers,
)
from bt_security.rotation.report import Report
from tests.rotation.conftest import (
    IS_FULL,
    NEW,
    OLD,
    key_variables,
    prefix_of,
    prefixes,
    rotate_keys,
    use_keys,
)
from tests.testapp.models import Note, Vault

pytestmark = pytest.mark.usefixtures("operator_site")

HOST = socket.gethostname()[:20]
ROWS = 1_000_000 if IS_FULL and connection.vendor == "postgresql" else 45_000


def fill(rows: int) -> None:
    for start in range(0, rows, 20_000):
        count = min(20_000, rows - start)
        Note.objects.bulk_create(
            [Note(body=f"body {start + n}") for n in range(count)], batch_size=2000
        )


def plan(model=Note, key=NEW) -> TablePlan:
    (table,) = [table for table in sealed_tables("default") if table.model is model]
    return TablePlan(table, prefix_of(key))


def leases(rows_per_range: int = 10) -> Leases:
    return Leases(plan(), rows_per_range=rows_per_range)


@pytest.fixture
def thirty_notes():
    fill(30)
    use_keys(NEW, OLD)


def test_a_range_is_leased_once(thirty_notes):
    one, other = leases(), leases()
    one.join()
    other.join()
    claimed = [worker.claim() for worker in (one, other, one, other)]
    assert len({each.pk for each in claimed}) == 4
    assert one.claim() is None


def test_ranges_cover_every_key_once(thirty_notes):
    worker = leases()
    worker.join()
    found = []
    while (one := worker.claim()) is not None:
        first, last = worker.keys_of(one)
        rows = Note.objects.all()
        rows = rows.filter(pk__gt=first[0]) if first else rows
        found += (rows.filter(pk__lte=last[0]) if last else rows).values_list("pk", flat=True)
    assert sorted(found) == sorted(Note.objects.values_list("pk", flat=True))


def test_the_lease_of_another_host_holds_until_it_ends(thirty_notes):
    worker = leases(rows_per_range=100)
    worker.join()
    ranges = RotationRange.objects.all()
    ranges.update(worker="elsewhere:1:abcd", leased_until=Now() + timedelta(seconds=60))
    assert worker.claim() is None
    ranges.update(leased_until=Now() - timedelta(seconds=1))
    assert worker.claim() is not None


def test_the_lease_of_a_dead_process_of_this_host_ends_at_once(thirty_notes, start):
    process = start("this_module_does_not_exist")
    process.wait(timeout=30)
    worker = leases(rows_per_range=100)
    worker.join()
    name = f"{HOST}:{process.pid}:abcd"
    RotationRange.objects.update(worker=name, leased_until=Now() + timedelta(seconds=60))
    assert worker.claim() is not None


def test_the_lease_of_a_running_process_of_this_host_holds(thirty_notes):
    worker = leases(rows_per_range=100)
    worker.join()
    name = f"{HOST}:{os.getpid()}:abcd"
    RotationRange.objects.update(worker=name, leased_until=Now() + timedelta(seconds=60))
    assert worker.claim() is None


def test_a_lease_that_was_taken_over_is_neither_renewed_nor_finished(thirty_notes):
    slow, quick = leases(rows_per_range=100), leases(rows_per_range=100)
    slow.join()
    mine = slow.claim()
    assert slow.renew(mine)
    RotationRange.objects.update(leased_until=Now() - timedelta(seconds=1))
    theirs = quick.claim()
    assert theirs.pk == mine.pk
    assert not slow.renew(mine)
    slow.finish(mine)
    assert not quick.are_all_finished()
    quick.finish(theirs)
    assert quick.are_all_finished()
    quick.clear()
    assert not RotationRange.objects.exists()


def test_ranges_left_by_a_dead_run_are_cut_anew(thirty_notes):
    dead = leases()
    dead.join()
    dead.claim()
    RotationRange.objects.exclude(worker="").update(leased_until=Now() - timedelta(seconds=1))
    left = set(RotationRange.objects.values_list("pk", flat=True))
    leases().join()
    assert not left & set(RotationRange.objects.values_list("pk", flat=True))


def test_ranges_of_uuid_keys_are_found_again():
    Vault.objects.bulk_create(Vault(secret=n) for n in range(30))
    use_keys(NEW, OLD)
    worker = Leases(plan(Vault), rows_per_range=10)
    worker.join()
    found = 0
    while (one := worker.claim()) is not None:
        after, until = worker.keys_of(one)
        with connection.cursor() as cursor:
            found += len(worker.plan.page(cursor, after=after, until=until, limit=99))
    assert found == 30


def test_a_run_waits_for_the_range_of_another_host(thirty_notes):
    worker = leases(rows_per_range=100)
    worker.join()
    RotationRange.objects.update(
        worker="elsewhere:1:abcd", leased_until=Now() + timedelta(seconds=1.5)
    )
    started = time.monotonic()
    assert rotate_keys("--online").code == 0
    assert time.monotonic() - started > 1
    assert prefixes(Note, "body") == {prefix_of(NEW)}


def test_a_range_that_was_taken_over_is_left_and_a_lease_renewed(thirty_notes):
    (table,) = [table for table in sealed_tables("default") if table.model is Note]
    options = OnlineOptions(batch_size=5, rows_per_second=100, lease_seconds=0.2)
    deadlines, report = [], Report()

    def watch(rows):
        ranges = RotationRange.objects.all()
        deadlines.append(ranges.get().leased_until)
        if len(deadlines) == 4:
            ranges.update(worker="elsewhere:1:abcd", leased_until=Now() + timedelta(seconds=0.5))

    rotate_online(begin_online(report), [table], report, options, tick=watch)
    assert len(set(deadlines)) > 1
    assert report.rows == 30
    assert prefixes(Note, "body") == {prefix_of(NEW)}


def test_workers_need_to_find_the_settings(monkeypatch):
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")
    with pytest.raises(ImproperlyConfigured):
        rotate_with_workers(Report(), OnlineOptions(), workers=2, chosen=[], using=None)


@pytest.mark.heavy
def test_two_workers_write_every_row_once(run):
    fill(ROWS)
    outcome = run(
        "rotate_keys", "--yes", "--online", "--workers", "2", "--json",
        keys=key_variables(NEW, OLD),
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["rows"] == ROWS
    assert prefixes(Note, "body") == {prefix_of(NEW)}


@pytest.mark.heavy
def test_two_runs_at_once_write_every_row_once(start):
    fill(ROWS)
    command = ("django", "rotate_keys", "--yes", "--online", "--json")
    processes = [start(*command, keys=key_variables(NEW, OLD)) for _ in range(2)]
    reports = []
    for process in processes:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        reports.append(json.loads(out))
    assert sum(report["rows"] for report in reports) == ROWS
    assert prefixes(Note, "body") == {prefix_of(NEW)}


@pytest.mark.heavy
def test_the_range_of_a_killed_run_is_taken_over(start, run):
    fill(5_000)
    command = ("rotate_keys", "--yes", "--online", "--json")
    victim = start("django", *command, "--max-rate", "500", keys=key_variables(NEW, OLD))
    while not RotationRange.objects.exclude(worker="").exists():
        assert victim.poll() is None
        time.sleep(0.05)
    time.sleep(1)
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait(timeout=30)
    assert prefixes(Note, "body") == {prefix_of(OLD), prefix_of(NEW)}
    started = time.monotonic()
    outcome = run(*command, keys=key_variables(NEW, OLD))
    assert outcome.code == 0, outcome.err
    assert time.monotonic() - started < 30
    assert prefixes(Note, "body") == {prefix_of(NEW)}


@pytest.mark.heavy
def test_what_does_not_open_is_counted_once_by_two_workers(run):
    fill(120)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, body FROM testapp_note")
        bad = [(f"e2:00000000:{text[12:]}", pk) for pk, text in cursor.fetchall()[::2]]
        cursor.executemany("UPDATE testapp_note SET body = %s WHERE id = %s", bad)
    outcome = run(
        "rotate_keys", "--yes", "--online", "--workers", "2", "--json",
        keys=key_variables(NEW, OLD),
    )  # fmt: skip
    assert outcome.code == 3
    report = json.loads(outcome.out)
    (column,) = [each for each in report["columns"] if each["column"] == "testapp.Note.body"]
    assert (column["migrated"], column["failed"], report["failed"]) == (60, 60, 60)


@pytest.mark.soak
@pytest.mark.postgres
def test_two_workers_take_no_longer_than_one(run):
    fill(ROWS)
    taken = {1: [], 2: []}
    ring = [OLD, NEW]
    for _ in range(3):
        for workers in (1, 2):
            ring.reverse()
            started = time.monotonic()
            outcome = run(
                "rotate_keys", "--yes", "--online", "--json", "--workers", str(workers),
                keys=key_variables(*ring),
            )  # fmt: skip
            taken[workers].append(time.monotonic() - started)
            assert json.loads(outcome.out)["rows"] == ROWS
    ratio = statistics.median(taken[2]) / statistics.median(taken[1])
    sys.stdout.write(f"seconds by workers: {taken}; ratio {ratio:.2f}\n")
    assert ratio <= 1.0


def test_a_range_is_named_after_its_table():
    assert str(RotationRange(pk=7, table="default:shop_customer")) == "default:shop_customer 7"
