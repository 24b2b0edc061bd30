"""Pruning in a process of its own: killed in the middle, and with a million rows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from bt_security.models import LoginEvent
from tests.history.old_rows import account, events
from tests.source_tree import ROOT

pytestmark = [pytest.mark.heavy, pytest.mark.django_db(transaction=True)]

FEW = 1_000
MANY = 1_000_000 if os.environ.get("BT_TEST_SCALE") == "full" else 20_000
MOST_GROWTH_MEGABYTES = 10


def run(environment, *arguments):
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=environment,
        timeout=900,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("batch", [0, 3])
def test_a_killed_run_is_finished_by_the_next_one(child_environment, batch):
    mary = account()
    events(mary, 60, days=200)
    events(mary, 5, days=1)
    killed = run(child_environment, "tests.history.prune_process", str(batch))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert LoginEvent.objects.count() == 65 - 7 * (batch + 1)
    again = run(child_environment, "django", "prune_security_logs")
    assert again.returncode == 0, again.stderr
    assert LoginEvent.objects.count() == 5


@pytest.mark.once
def test_peak_memory_is_that_of_a_few_rows(child_environment):
    mary = account()
    peaks = []
    for rows in (FEW, MANY):
        events(mary, rows, days=200)
        done = run(child_environment, "tests.rotation.peak_memory", "prune_security_logs")
        assert done.returncode == 0, done.stderr
        assert not LoginEvent.objects.exists()
        peaks.append(float(done.stdout.splitlines()[-1]))
    sys.stdout.write(f"megabytes for {FEW} and {MANY} rows: {peaks}\n")
    assert peaks[1] - peaks[0] < MOST_GROWTH_MEGABYTES
