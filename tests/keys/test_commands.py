"""Commands that need no key run with a malformed one; everything else stops at the start."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.source_tree import ROOT

pytestmark = [pytest.mark.once, pytest.mark.feature("BD-12")]


@pytest.fixture
def run(child_environment):
    def run_command(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "django", *arguments],
            cwd=ROOT,
            env={**child_environment, "TOKEN_ENCRYPTION_KEY": "short"},
            capture_output=True,
            text=True,
        )

    return run_command


@pytest.mark.parametrize(
    "arguments",
    [("diffsettings",), ("showmigrations",), ("help", "check"), ("check_",), ()],
    ids=str,
)
def test_another_command_stops_at_a_malformed_key(run, arguments):
    assert "TOKEN_ENCRYPTION_KEY is refused: it has 5 bytes" in run(*arguments).stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("generate_key",),
        ("bt_security_settings",),
        ("makemigrations", "--check", "--dry-run", "--skip-checks", "contenttypes"),
        ("generate_key", "--settings", "tests.settings"),
    ],
    ids=str,
)
def test_a_command_that_needs_no_key_runs(run, arguments):
    assert run(*arguments).returncode == 0


def test_check_says_what_is_wrong(run):
    result = run("check")
    assert result.returncode == 1
    assert "bt_security.E004" in result.stderr


def test_django_takes_no_option_before_the_command(run):
    result = run("--settings=tests.settings", "generate_key")
    assert "TOKEN_ENCRYPTION_KEY is refused" in result.stderr
