"""A host project's migrations and test suite, run as its developers would run them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.db import connection

from tests.source_tree import ROOT

pytestmark = pytest.mark.heavy

SUITE = ["test", "--noinput", "--pattern=suite.py", "tests.keys.host"]


@pytest.fixture
def host_database(transactional_db, tmp_path):
    """An empty database of the host's own; only SQLite's comes with the first connection."""
    if connection.vendor == "sqlite":
        yield str(tmp_path / "host.sqlite3")
        return
    name = f"{connection.settings_dict['NAME']}_host"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name}")
        yield name
        cursor.execute(f"DROP DATABASE {name}")


@pytest.fixture
def manage(host_database, child_environment):
    def run(*arguments, migrations="archive.migrations"):
        return subprocess.run(
            [sys.executable, "-m", "django", *arguments],
            cwd=ROOT,
            env={
                **child_environment,
                "DJANGO_SETTINGS_MODULE": "tests.keys.host.settings",
                "HOST_DATABASE": host_database,
                "HOST_MIGRATIONS": migrations,
            },
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


READ = (
    "from tests.keys.host.archive.models import Letter; "
    "print('found', [letter.body for letter in Letter.objects.all()])"
)


def test_a_data_migration_without_the_dependency_is_told_about_it(manage):
    result = manage("migrate", migrations="without_dependency.migrations")
    assert result.returncode == 1
    assert "KeyStoreMissing" in result.stderr
    assert 'dependencies = [("bt_security", "0001_setting")]' in result.stderr


def test_a_data_migration_with_the_dependency_seals(manage):
    assert manage("migrate", migrations="with_dependency.migrations").returncode == 0
    result = manage(
        "shell", "--verbosity=0", "--command", READ, migrations="with_dependency.migrations"
    )
    assert result.stdout.strip() == "found ['written by a migration']"


def test_the_suite_of_a_host_passes(manage):
    result = manage(*SUITE)
    assert "OK" in result.stderr, result.stderr
    assert "Ran 21 tests" in result.stderr


def test_the_suite_of_a_host_passes_in_parallel(manage):
    result = manage(*SUITE, "--parallel", "2")
    assert "OK" in result.stderr, result.stderr


def test_the_suite_of_a_host_passes_in_another_order(manage):
    result = manage(*SUITE, "--reverse")
    assert "OK" in result.stderr, result.stderr


def test_the_suite_of_a_host_passes_with_an_operator_key(manage, monkeypatch, child_environment):
    child_environment["TOKEN_ENCRYPTION_KEY"] = "operator-key-of-a-host-suite-0123456789"
    result = manage(*SUITE)
    assert "OK" in result.stderr, result.stderr
