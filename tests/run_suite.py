"""Run the suite once per database and close with `N passed, N failed, N skipped` over all passes.

SQLite takes everything. PostgreSQL and MariaDB/MySQL follow when `BT_TEST_POSTGRES_URL` and
`BT_TEST_MYSQL_URL` are given; a missing one counts as one skip, with `BT_TEST_REQUIRE_ALL=1` as one
failure. `BT_TEST_COVERAGE=1` measures all passes together and holds the two limits below.
Arguments go to pytest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

PASSES = {"sqlite": None, "postgres": "BT_TEST_POSTGRES_URL", "mysql": "BT_TEST_MYSQL_URL"}
LINES_MIN_PERCENT = 100.0
BRANCHES_MIN_PERCENT = 97.0
NO_TESTS_COLLECTED = 5


@dataclass(frozen=True)
class Outcome:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
        )

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def main() -> int:
    given = [name for name, url in PASSES.items() if url is None or os.environ.get(url)]
    total = Outcome()
    with tempfile.TemporaryDirectory() as directory:
        results = Path(directory)
        # All at once: much of a pass is waiting for a server or a child process.
        with ThreadPoolExecutor(max_workers=len(PASSES)) as pool:
            runs = [
                pool.submit(run_pass, name, results, is_captured=len(given) > 1) for name in given
            ]
        for run in runs:
            total += run.result()
        if os.environ.get("BT_TEST_COVERAGE") and not is_covered(results):
            total += Outcome(failed=1)
    for name in PASSES:
        if name not in given:
            total += report_missing(name)
    print(total, flush=True)
    return 0 if total.passed and not total.failed else 1


def run_pass(database: str, results: Path, *, is_captured: bool) -> Outcome:
    """Run pytest on one database; captured output is printed whole when the pass ends."""
    junit = results / f"{database}.xml"
    measured = ["coverage", "run", "-m"] if os.environ.get("BT_TEST_COVERAGE") else []
    run = subprocess.run(
        [sys.executable, "-m", *measured, "pytest", f"--junitxml={junit}", *sys.argv[1:]],
        env={
            **os.environ,
            "BT_TEST_DATABASE": database,
            "COVERAGE_FILE": str(results / "coverage"),
        },
        stdout=subprocess.PIPE if is_captured else None,
        stderr=subprocess.STDOUT if is_captured else None,
        text=True,
    )
    if is_captured:
        print(f"\nOn {database}:\n{run.stdout}", flush=True)
    if run.returncode == NO_TESTS_COLLECTED:
        return Outcome()
    outcome = read_junit(junit)
    if run.returncode and not outcome.failed:  # pytest itself broke
        outcome += Outcome(failed=1)
    return outcome


def read_junit(file: Path) -> Outcome:
    if not file.exists():
        return Outcome()
    outcome = Outcome()
    for suite in ElementTree.parse(file).getroot().iter("testsuite"):
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        passed = int(suite.get("tests", 0)) - failed - skipped
        outcome += Outcome(passed, failed, skipped)
    return outcome


def report_missing(database: str) -> Outcome:
    is_required = bool(os.environ.get("BT_TEST_REQUIRE_ALL"))
    verdict = "failed" if is_required else "skipped"
    print(f"The {database} pass is {verdict}: {PASSES[database]} is not given.")
    return Outcome(failed=1) if is_required else Outcome(skipped=1)


def is_covered(results: Path) -> bool:
    """Combine what all passes and their child processes measured, and compare with the limits."""
    environment = {**os.environ, "COVERAGE_FILE": str(results / "coverage")}
    report = results / "coverage.json"
    for command in (["combine", "--quiet"], ["report"], ["json", "--quiet", "-o", str(report)]):
        subprocess.run([sys.executable, "-m", "coverage", *command], env=environment, check=True)
    totals = json.loads(report.read_text())["totals"]
    lines = percent(totals["covered_lines"], totals["num_statements"])
    branches = percent(totals["covered_branches"], totals["num_branches"])
    print(
        f"Coverage: {lines:.2f} % of lines (at least {LINES_MIN_PERCENT}),"
        f" {branches:.2f} % of branches (at least {BRANCHES_MIN_PERCENT})"
    )
    return lines >= LINES_MIN_PERCENT and branches >= BRANCHES_MIN_PERCENT


def percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 100.0


if __name__ == "__main__":
    sys.exit(main())
