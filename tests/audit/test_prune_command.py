"""`manage.py prune_audit_log`: it says what it would do, asks, and does it."""

from __future__ import annotations

import json
import os
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.audit._retain import ENTRY, EVENING, left, run, sealed, start_clean
from tests.audit.stored_rows import put


@pytest.fixture
def clean(log):
    start_clean()


@pytest.fixture
def three(clean):
    """Three seals of that morning, and nothing unsealed."""
    return sealed(1, 2, 3), sealed(4, 5, 6), sealed(7, 8, 9)


def command(*options):
    output = StringIO()
    call_command("prune_audit_log", "--before", EVENING.isoformat(), *options, stdout=output)
    return output.getvalue()


def test_the_command_says_what_it_would_do(three):
    assert command("--dry-run") == "Would delete the 9 entries of the seals 1 to 3.\n"
    assert json.loads(command("--dry-run", "--json"))["seals"] == [1, 3]
    run(f"DELETE FROM {ENTRY} WHERE id = 5")
    assert "1 are missing already" in command("--dry-run")
    assert left() == [1, 2, 3, 4, 6, 7, 8, 9]


def test_the_command_prunes(three, tmp_path, settings):
    settings.BT_SECURITY_AUDIT_LEGAL_HOLDS = ["tenant:held"]
    run(f"UPDATE {ENTRY} SET tenant = 'held' WHERE id = 8")
    said = command("--yes", "--archive", str(tmp_path))
    assert "Deleted 6 entries." in said
    assert "Seal 3 is under legal hold" in said
    assert "Archive: " in said
    put(4)
    assert "1 more had been left" in command("--yes")
    assert json.loads(command("--yes", "--json"))["record"] is None


@pytest.mark.once
def test_the_command_has_nothing_to_prune(clean):
    assert "no seal is wholly older" in command("--dry-run")
    assert json.loads(command("--dry-run", "--json"))["seals"] == []


@pytest.mark.once
@pytest.mark.parametrize(
    "options", [("--batch-size", "0"), ("--before", "yesterday"), ("--before", "2999-01-01")]
)
def test_the_command_refuses_what_makes_no_sense(three, options):
    with pytest.raises(CommandError, match="Nothing was pruned"):
        command("--yes", *options)


@pytest.mark.once
@pytest.mark.parametrize("is_there", [True, False])
def test_the_command_asks_and_nobody_answers(three, monkeypatch, is_there):
    with open(os.devnull) as nobody:
        monkeypatch.setattr("sys.stdin", nobody if is_there else None)
        with pytest.raises(CommandError, match="use --yes"):
            command()
    assert left() == list(range(1, 10))


@pytest.mark.once
def test_the_command_does_what_is_answered(three, monkeypatch):
    mine, its = os.openpty()
    os.write(mine, b"yes\n")
    with open(its) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        assert "Deleted 9 entries." in command()
    os.close(mine)
