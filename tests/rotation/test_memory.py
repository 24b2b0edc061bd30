"""Memory does not grow with the number of rows."""

from __future__ import annotations

import sys

import pytest

from tests.rotation.conftest import NEW, OLD, key_variables, prefix_of, prefixes
from tests.rotation.test_workers import fill
from tests.testapp.models import Note

pytestmark = [pytest.mark.soak, pytest.mark.usefixtures("operator_site")]

FEW = 20_000
MANY = 1_000_000
MOST_GROWTH_MEGABYTES = 30


@pytest.mark.parametrize("option", ["--skip-errors", "--online"])
def test_peak_memory_is_that_of_a_small_table(start, option):
    ring = [OLD, NEW]
    peaks = []
    for rows in (FEW, MANY):
        fill(rows - Note.objects.count())
        ring.reverse()
        command = ("rotate_keys", "--yes", "--no-progress", option)
        process = start("tests.rotation.peak_memory", *command, keys=key_variables(*ring))
        out, err = process.communicate(timeout=900)
        assert process.returncode == 0, err
        assert prefixes(Note, "body") == {prefix_of(ring[0])}
        peaks.append(float(out.splitlines()[-1]))
    sys.stdout.write(f"{option}: megabytes for {FEW} and {MANY} rows: {peaks}\n")
    assert peaks[1] - peaks[0] < MOST_GROWTH_MEGABYTES
