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


def test_its_own_tests_pass(manage):
    manage("test")


def test_its_migrations_are_complete(manage):
    manage("makemigrations", "--check", "--dry-run")


def test_its_checks_find_nothing(manage):
    manage("check", "--fail-level=WARNING")
