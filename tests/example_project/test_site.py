"""The example site: its own tests, and no model change without its migration."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.source_tree import ROOT

pytestmark = pytest.mark.once

FOLDER = ROOT / "example_project"


@pytest.fixture
def manage(tmp_path):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOKEN_")}
    environment = {
        **kept,
        "EXAMPLE_VAR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "site_config.settings",
    }

    def run(*arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "-W", "error", "manage.py", *arguments],
            cwd=FOLDER,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return run


MAKE_KEYS = """
import sys
from pathlib import Path
from site_config import settings
print(flush=True)
sys.stdin.readline()
for folder in sorted(Path(settings.VAR).glob("copy-*")):
    settings.VAR = folder
    print(settings.secret_key())
"""


def test_processes_that_start_together_have_one_secret_key(tmp_path):
    for number in range(100):
        (tmp_path / f"copy-{number}").mkdir()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MAKE_KEYS],
            cwd=FOLDER,
            env={**os.environ, "EXAMPLE_VAR": str(tmp_path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    first, *others = [process.communicate(timeout=60)[0].splitlines() for process in processes]
    assert len(set(first)) == 100
    assert all(len(key) == 50 for key in first)
    assert others == [first, first]


def test_the_secret_key_is_for_its_owner_alone_and_stays(manage, tmp_path):
    manage("check")
    file = tmp_path / "secret_key"
    key = file.read_text()
    manage("check")
    assert (file.read_text(), file.stat().st_mode & 0o777) == (key, 0o600)
    assert list(tmp_path.glob("tmp*")) == []


def test_its_own_tests_pass(manage):
    manage("test")


def test_its_migrations_are_complete(manage):
    manage("makemigrations", "--check", "--dry-run")


def test_its_checks_find_nothing(manage):
    manage("check", "--fail-level=WARNING")
