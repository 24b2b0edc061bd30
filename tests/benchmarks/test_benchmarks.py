"""The benchmarks run. What they measure is not judged here."""

from __future__ import annotations

import json
import os

import pytest

from benchmarks import __main__ as program
from benchmarks.encryption.names import NAMES
from benchmarks.measure import Pairs, paired
from benchmarks.report import Line

pytestmark = pytest.mark.once

SMALLEST = ["--rows", "40", "--large-rows", "80", "--repeats", "1", "--large-repeats", "1"]


@pytest.mark.parametrize("name", NAMES)
def test_benchmark_runs_and_gives_its_lines_as_json(name, tmp_path):
    file = tmp_path / "result.json"
    program.main(["--database", "sqlite", "--only", name, "--json", str(file), *SMALLEST])
    lines = json.loads(file.read_text())["sqlite"][name]
    assert lines
    assert all(line["what"] and line["ours"] > 0 for line in lines)


def test_the_environment_keeps_its_keys(tmp_path):
    before = dict(os.environ)
    program.main(["--database", "sqlite", "--only", "field", *SMALLEST])
    assert dict(os.environ) == before


def test_both_sides_take_turns_in_going_first():
    order = []
    paired(lambda: order.append("ours") or 1.0, lambda: order.append("floor") or 1.0, 2, warm=False)
    assert order == ["floor", "ours", "ours", "floor"]


def test_the_ratio_is_the_median_of_the_pairs():
    pairs = Pairs(ours=[2.0, 9.0, 4.0], floor=[1.0, 3.0, 4.0])
    assert Line.of("x", pairs, "s", at_most=1.5).cells()[3:] == ("2.00x", "1.00..3.00", "<= 1.5x")
