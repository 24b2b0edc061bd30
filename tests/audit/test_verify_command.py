"""`verify_audit_log`: what it prints, and its exit status."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from bt_security.audit.seals.ranges import Ranges
from bt_security.audit.verification.findings import Found, Kind, ranges_text
from bt_security.models import AuditEntry
from bt_security.testing import fixed_key
from tests.audit._verify import (
    anchor_file,
    make_log,
    run,
    set_column,
    without_keys,
)


@pytest.fixture(autouse=True)
def _own_keys(django_db_setup, django_db_blocker):
    with without_keys(django_db_blocker):
        yield


@pytest.fixture
def log(audit_on, db):
    with fixed_key():
        yield make_log()


@pytest.fixture
def anchors(log, tmp_path):
    return anchor_file(tmp_path / "anchors")


def manage(*arguments: str) -> tuple[int, str]:
    """Run the command; return its exit status and what it printed."""
    out = io.StringIO()
    try:
        call_command("verify_audit_log", *arguments, stdout=out, stderr=out)
    except CommandError as error:
        return error.returncode, f"{out.getvalue()}{error}"
    return 0, out.getvalue()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--workers=0"],
        ["--public-key=/no/such/file"],
        ["--anchor=/no/such/file"],
    ],
)
def test_what_cannot_be_verified_ends_with_3(log, arguments):
    code, printed = manage(*arguments)
    assert code == 3
    assert "integrity" not in printed


@pytest.mark.parametrize("text", ["yesterday", "2026-02-31", "2026-13-01"])
def test_a_time_that_is_none_is_refused(text):
    with pytest.raises(CommandError, match="since"):
        call_command("verify_audit_log", f"--since={text}")


def test_a_tampered_log_ends_with_1(log, anchors):
    set_column(log.ids[2], reason="another")
    code, printed = manage("--anchor", anchors)
    assert code == 1
    assert f"EDITED entry {log.ids[2]}, seal 1: hash or MAC" in printed
    assert "integrity: tampered\ncompleteness: clean" in printed


def test_a_log_that_cannot_be_proved_ends_with_3(log):
    code, printed = manage()
    assert code == 3
    assert "integrity: clean\ncompleteness: not provable" in printed


def test_a_clean_log_ends_with_0(anchors):
    code, printed = manage("--anchor", anchors)
    assert code == 0
    assert "30 sealed entries in 3 seals, 0 not sealed yet" in printed


def test_the_verdict_is_printed_as_json(log, anchors):
    set_column(log.ids[2], reason="another")
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("verify_audit_log", "--json", f"--anchor={anchors}", stdout=out)
    verdict = json.loads(out.getvalue())
    assert (verdict["integrity"], verdict["completeness"]) == ("tampered", "clean")
    assert verdict["findings"][0] == {
        "kind": "EDITED",
        "level": "tampered",
        "entries": [[log.ids[2], log.ids[2]]],
        "seals": [[1, 1]],
        "text": "hash or MAC is not that of the columns",
    }


@pytest.mark.parametrize("since", ["2020-01-31", "2020-01-31T10:00", "2020-01-31T10:00+01:00"])
def test_days_and_times_are_taken(anchors, since):
    assert manage(f"--since={since}", "--anchor", anchors)[0] == 0


def test_a_log_without_seals_has_no_time_of_the_newest(audit_on, db):
    with fixed_key():
        out = io.StringIO()
        with pytest.raises(CommandError):
            call_command("verify_audit_log", "--json", stdout=out)
    assert json.loads(out.getvalue())["newest_sealed_at"] is None


@pytest.mark.once
def test_a_verification_that_the_log_does_not_take_is_told(audit_on, transactional_db):
    with fixed_key():
        make_log()
        run("PRAGMA query_only = 1")
        printed = manage()[1]
        run("PRAGMA query_only = 0")
    assert "did not take the entry" in printed
    assert not AuditEntry.objects.filter(action="audit.verified").exists()


def test_very_many_ranges_are_cut_for_people():
    text = ranges_text(Ranges.from_ids(range(0, 100, 2)))
    assert text.endswith("38, and 30 more ranges")


def test_the_gravest_findings_come_first():
    found = Found()
    for kind in (Kind.UNSEALED, Kind.TAIL_UNPROVED, Kind.DELETED):
        found.add(kind, "text")
    levels = [finding.kind.level for finding in found.findings()]
    assert levels == ["tampered", "not provable", "note"]
