"""Whoever can write the database can write ranges: they share the work, and prove nothing."""

from __future__ import annotations

import os
import socket
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from bt_security.keys.inventory import sealed_tables
from bt_security.models import RotationRange
from bt_security.rotation.columns import TablePlan
from bt_security.rotation.leases import Leases
from bt_security.rotation.online import (
    OnlineOptions,
    begin_online,
    rotate_online,
    seal_what_is_left,
)
from bt_security.rotation.report import Report
from tests.rotation.conftest import NEW, OLD, prefix_of, prefixes, put, rotate_keys, texts, use_keys
from tests.testapp.models import Note

TABLE = "default:testapp_note"
ELSEWHERE = "elsewhere:1:abcd"


@pytest.fixture(autouse=True)
def notes(operator_site):
    """Rows under the old key, and a process that has the new one."""
    Note.objects.bulk_create(Note(body=f"body {number}") for number in range(5))
    use_keys(NEW, OLD)


def note_table():
    (table,) = [table for table in sealed_tables("default") if table.model is Note]
    return table


def leases() -> Leases:
    return Leases(TablePlan(note_table(), prefix_of(NEW)))


def plant(first, last, *, worker=ELSEWHERE, seconds=1.0, finished=False) -> RotationRange:
    return RotationRange.objects.create(
        table=TABLE,
        run=prefix_of(NEW),
        first=first,
        last=last,
        worker=worker,
        leased_until=Now() + timedelta(seconds=seconds),
        finished=finished,
    )


@pytest.mark.parametrize(
    "ends",
    [
        [("[0]", "[0]")],
        [("", "[0]")],
        [("[0]", "")],
        [("", "[0]"), ("[1]", "")],
        [("", "[0]"), ("[0]", "[1]")],
        [("", "not a key"), ("not a key", "")],
        [("", "[1, 2]"), ("[1, 2]", "")],
        [("", '["x"]'), ('["x"]', "")],
        [("", "7"), ("7", "")],
    ],
)
def test_ranges_with_a_gap_are_cut_anew(ends):
    for first, last in ends:
        plant(first, last)
    leases().join()
    assert list(RotationRange.objects.values_list("first", "last")) == [("", "")]


def test_ranges_that_join_up_are_shared():
    shared = [plant("", "[2]"), plant("[2]", "")]
    leases().join()
    assert list(RotationRange.objects.order_by("pk")) == shared


def test_a_planted_range_of_nothing_seals_everything_all_the_same():
    plant("[0]", "[0]")
    assert rotate_keys("--online").code == 0
    assert prefixes(Note, "body") == {prefix_of(NEW)}


def test_ranges_planted_as_finished_seal_everything_all_the_same():
    plant("", "[0]")
    plant("[0]", "", finished=True)
    assert rotate_keys("--online").code == 0
    assert prefixes(Note, "body") == {prefix_of(NEW)}


def test_a_value_that_does_not_open_behind_planted_ranges_is_listed():
    plant("", "[0]")
    plant("[0]", "", finished=True)
    (first, *_) = texts(Note, "body").values()
    put(Note, "body", f"e2:00000000:{first[12:]}")
    outcome = rotate_keys("--online")
    assert outcome.code == 3
    assert "WrongKey, key id 00000000" in outcome.err


def test_a_process_that_goes_on_sealing_under_an_old_key_is_named():
    old = next(iter(texts(Note, "body").values()))
    report = Report()
    keyring = begin_online(report)

    def write_again(rows):
        put(Note, "body", old)

    seal_what_is_left(keyring, [note_table()], report, OnlineOptions(), tick=write_again)
    assert report.still_written == ["testapp.Note"]
    before = report.rows
    seal_what_is_left(keyring, [note_table()], report, OnlineOptions(), tick=write_again)
    assert report.rows == before


def test_a_table_that_no_sweep_finds_sealed_is_named():
    old = next(iter(texts(Note, "body").values()))
    report = Report()
    keyring = begin_online(report)

    def write_again(rows):
        put(Note, "body", old)

    rotate_online(keyring, [note_table()], report, OnlineOptions(), tick=write_again)
    assert report.still_written == ["testapp.Note"]


HERE = f"{socket.gethostname()[:20]}:{os.getpid()}:abcd"


@pytest.mark.parametrize(
    ("worker", "seconds"),
    [
        (ELSEWHERE, 200),
        (ELSEWHERE, 3_000_000),
        (HERE, 200),
        *((name, 30) for name in ("", "x", "elsewhere:1", "elsewhere:x:abcd", "elsewhere:1:wxyz")),
        *((name, 30) for name in ("elsewhere:-1:abcd", "elsewhere:0:abcd")),
        (HERE.replace(str(os.getpid()), "9999999999"), 30),
    ],
)
def test_a_lease_that_no_worker_takes_holds_nothing(worker, seconds):
    plant("", "", worker=worker, seconds=seconds)
    assert leases().claim() is not None


@pytest.mark.parametrize("worker", [ELSEWHERE, "has:colons:1:abcd", ":1:abcd", HERE])
def test_a_lease_as_workers_take_them_holds(worker):
    plant("", "", worker=worker, seconds=30)
    assert leases().claim() is None
