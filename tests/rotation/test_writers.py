"""Rotation beside processes that go on writing: no write is ever lost."""

from __future__ import annotations

import json
import subprocess
import time

import pytest
from django.db import connection

from tests.rotation.conftest import (
    IS_FULL,
    NEW,
    OLD,
    key_variables,
    prefix_of,
    rotate_keys,
    texts,
    use_keys,
)
from tests.testapp.models import Note

pytestmark = [pytest.mark.heavy, pytest.mark.usefixtures("operator_site")]

WRITERS = 4
ROWS = 400 if connection.vendor == "sqlite" else 4_000
SECONDS = 300 if IS_FULL else 30
ENOUGH_LOST_RACES = 1_000 if IS_FULL else 50


@pytest.fixture
def rows():
    Note.objects.bulk_create([Note(body="0") for _ in range(ROWS)])
    return list(Note.objects.order_by("pk").values_list("pk", flat=True))


@pytest.fixture
def writers(rows, start, tmp_path):
    """Four processes that write each to rows of its own; returned when all of them do."""
    logs = [tmp_path / f"writer-{number}" for number in range(WRITERS)]
    processes = [
        start(
            "tests.rotation.writer",
            str(log),
            *map(str, rows[number::WRITERS]),
            keys=key_variables(NEW, OLD),
            stdin=subprocess.PIPE,
        )
        for number, log in enumerate(logs)
    ]
    while not all(log.exists() and log.stat().st_size for log in logs):
        assert all(process.poll() is None for process in processes)
        time.sleep(0.05)
    return processes, logs


def last_logged(rows, writers):
    """End the writers and return what each row must hold."""
    processes, logs = writers
    for process in processes:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    expected = dict.fromkeys(rows, "0")
    for log in logs:
        for line in log.read_text().splitlines():
            pk, number = line.split()
            expected[int(pk)] = number
    return expected


def rotate_to_and_fro(*options: str) -> int:
    """Rotate to the writers' key and back until enough races were lost; return how many."""
    lost = 0
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and lost < ENOUGH_LOST_RACES:
        for chosen in ((NEW, OLD), (OLD, NEW)):
            use_keys(*chosen)
            outcome = rotate_keys("--json", "--batch-size", "500", *options)
            assert outcome.code in {0, 3}, outcome.err
            report = json.loads(outcome.out)
            assert report["failed"] == 0
            lost += report["lost_races"]
        if connection.vendor == "sqlite":
            break
    return lost


@pytest.mark.parametrize("option", ["--online", "--skip-errors"])
def test_each_row_ends_at_its_last_logged_number(rows, writers, option):
    lost = rotate_to_and_fro(option)
    assert dict(Note.objects.values_list("pk", "body")).keys() == set(rows)
    expected = last_logged(rows, writers)
    use_keys(NEW, OLD)
    assert rotate_keys("--online").code == 0
    assert {text[:12] for text in texts(Note, "body").values()} == {prefix_of(NEW)}
    use_keys(NEW)
    assert dict(Note.objects.values_list("pk", "body")) == expected
    if connection.vendor == "postgresql" and option == "--online":
        assert lost >= ENOUGH_LOST_RACES
