"""The benchmarks run. What they measure is not judged here."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime

import pytest

from benchmarks import __main__ as program
from benchmarks.audit.names import NAMES as AUDIT_NAMES
from benchmarks.encryption.names import NAMES
from benchmarks.history.names import NAMES as HISTORY_NAMES
from benchmarks.measure import Pairs, paired
from benchmarks.page import put, table
from benchmarks.peers import write_audit
from benchmarks.report import Line

pytestmark = pytest.mark.once

SMALLEST = ["--rows", "40", "--large-rows", "80", "--repeats", "1", "--large-repeats", "1"]


def measured(directory, name):
    file = directory / "result.json"
    program.main(["--database", "sqlite", "--only", name, "--json", str(file), *SMALLEST])
    return json.loads(file.read_text())


def assert_lines(lines):
    assert lines
    assert all(line["what"] and line["ours"] > 0 for line in lines)


@pytest.mark.parametrize("name", NAMES)
def test_benchmark_runs_and_gives_its_lines_as_json(name, tmp_path):
    assert_lines(measured(tmp_path, name)["sqlite"][name]["lines"])


@pytest.mark.parametrize("name", AUDIT_NAMES)
def test_benchmark_of_the_audit_log_runs_and_gives_its_lines_as_json(name, tmp_path):
    found = measured(tmp_path, name)
    assert_lines(found[program.AUDIT]["sqlite"][name]["lines"])
    assert list(found) == [program.AUDIT]


def test_benchmarks_of_the_login_history_run_and_give_their_lines_as_json(tmp_path):
    found = measured(tmp_path, program.HISTORY)
    for name in HISTORY_NAMES:
        assert_lines(found[program.HISTORY]["sqlite"][name]["lines"])
    assert list(found) == [program.HISTORY]


def test_all_of_a_feature_can_be_asked_for_at_once():
    asked = program.parser().parse_args(["--only", "audit", "--only", "field"])
    assert program.chosen(asked) == ["field", *AUDIT_NAMES]
    asked = program.parser().parse_args(["--only", "history"])
    assert program.chosen(asked) == HISTORY_NAMES


def test_every_benchmark_has_a_name_of_its_own():
    assert len(program.ALL_NAMES) == len(set(program.ALL_NAMES))


def test_the_requests_are_measured_on_sites_of_their_own(tmp_path):
    file = tmp_path / "result.json"
    program.main(["--only", program.REQUEST, "--json", str(file), *SMALLEST])
    found = json.loads(file.read_text())
    lines = found[program.REQUEST]["request"]["lines"]
    assert {line["what"] for line in lines} >= {"all headers and a nonce", "session read, database"}
    assert all(line["ours"] > 0 for line in lines)
    assert list(found) == [program.REQUEST]


def test_a_run_puts_its_tables_into_a_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before <!-- bench: begin -->old<!-- bench: end --> after")
    program.main(["--database", "sqlite", "--only", "field", "--page", str(page), *SMALLEST])
    text = page.read_text()
    assert text.startswith("before <!-- bench: begin -->")
    assert text.endswith("<!-- bench: end --> after")
    assert "| seal 64 B | " in text
    assert "old" not in text


def test_the_tables_of_requests_have_a_place_of_their_own(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- bench: begin -->kept<!-- bench: end -->"
        "<!-- bench-requests: begin -->old<!-- bench-requests: end -->"
    )
    job = {"clock": "wall", "repeats": 1, "large_repeats": 1}
    program.write_page(page, {program.REQUEST: {"machine": "a machine", "job": job}})
    text = page.read_text()
    assert "kept" in text
    assert "a machine" in text
    assert "old" not in text


@pytest.mark.parametrize("part", program.PARTS)
def test_the_tables_of_a_feature_have_a_place_of_their_own(part, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"<!-- bench-{part}: begin -->old<!-- bench-{part}: end -->")
    job = {"clock": "wall", "repeats": 1, "large_repeats": 1}
    found = {"sqlite": {"machine": "a machine", "job": job}}
    program.write_page(page, {part: found})
    assert "### a machine" in page.read_text()
    assert "old" not in page.read_text()


def test_the_audit_logs_of_others_become_tables():
    found = {"create": 2.0, "ratio": {"create": 2.04}, "bytes_per_event": 685.0}
    result = {
        "python": "3.12",
        "rounds": 3,
        "n": 5_000,
        "rows": 1_000_000,
        "crud": {"pg/atomic": {"bt_security": found}},
        "listing": {"auditlog": {"admin page 1": 765.0}, "explicit": {"error": "no server"}},
        "probe": {"auditlog": {"no-op save() events": 0}},
    }
    made = write_audit.page(result, datetime(2026, 11, 21, tzinfo=UTC))
    assert "| **django-bt-security** | 2.0x | - | - | - | - | - | - | 685 |" in made
    assert "| django-auditlog | 765.0 | - | - | - | - | - |" in made
    assert "| no-op save() events | 0 |" in made


def test_the_environment_keeps_its_keys(tmp_path):
    before = dict(os.environ)
    program.main(["--database", "sqlite", "--only", "field", *SMALLEST])
    assert dict(os.environ) == before


def test_a_page_without_markers_is_refused():
    with pytest.raises(ValueError, match="has no markers"):
        put("a page", "tables", name="bench")


def test_a_table_has_numbers_on_the_right():
    made = table(["peer", "ms"], [["ours", "1"]])
    assert made.splitlines() == ["| peer | ms |", "| --- | ---: |", "| ours | 1 |"]


def test_both_sides_take_turns_in_going_first():
    order = []
    paired(lambda: order.append("ours") or 1.0, lambda: order.append("floor") or 1.0, 2, warm=False)
    assert order == ["floor", "ours", "ours", "floor"]


def test_the_ratio_is_the_median_of_the_pairs():
    pairs = Pairs(ours=[2.0, 9.0, 4.0], floor=[1.0, 3.0, 4.0])
    assert Line.of("x", pairs, "s", at_most=1.5).cells()[3:] == ("2.00x", "1.00..3.00", "<= 1.5x")
