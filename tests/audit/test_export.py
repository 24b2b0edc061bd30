"""Entries leave the log as JSON lines and as CSV, each once, and only when that is recorded."""

from __future__ import annotations

import csv
import io
import json
import os
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from bt_security.audit import record
from bt_security.audit.personal import erase_keys, seal_personal
from bt_security.audit.reading import export
from bt_security.audit.reading.csv_export import COLUMNS as CSV_COLUMNS
from bt_security.audit.reading.export import Choice, exported, settled
from bt_security.audit.recording import is_genuine
from bt_security.audit.rows import from_json, new_uid
from bt_security.audit.seals import sealing
from bt_security.management.commands import export_audit_log
from bt_security.models import AuditEntry, AuditSeal
from tests.audit._reading_rows import (
    START,
    break_data_key,
    empty_log,
    made_entry,
    made_seal,
    unwritable_log,
)

pytestmark = pytest.mark.django_db

ADDRESS = "203.0.113.77"
__all__ = ["empty_log", "unwritable_log"]


def run(*arguments):
    """Return what the command writes to its output."""
    out = io.StringIO()
    call_command("export_audit_log", *map(str, arguments), stdout=out, stderr=io.StringIO())
    return out.getvalue()


def exported_ids(*arguments):
    return [json.loads(line)["id"] for line in run(*arguments).splitlines()]


def entry_with_address(entry_id):
    uid = new_uid()
    personal, key = seal_personal({"address": ADDRESS}, subject="user:5", uid=uid)
    return made_entry(entry_id, uid=uid, personal=personal, subject_key=key)


@pytest.fixture
def small_chunks(monkeypatch):
    for name in ("CHUNK_ROWS", "CHUNK_SEALS", "CHUNK_PAIRS"):
        monkeypatch.setattr(export, name, 2)


@pytest.fixture
def sealed_log(empty_log):
    """Ids 1 to 10 in two seals: 3 and 4 came late, 7 never did, 9 and 11 are not sealed."""
    for entry_id in (1, 2, 3, 4, 5, 6, 8, 9, 10, 11):
        made_entry(entry_id)
    made_seal(1, 0, 5, gaps="[[3,4]]")
    made_seal(2, 5, 10, gaps="[[7,7],[9,9]]", late="[[3,4]]")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--format", "xml"],
        ["--after", "no-uid"],
        ["--after-seal", "-1"],
        ["--after-seal", "x"],
        ["--since", "yesterday"],
        ["--after-seal", "1", "--after", str(uuid4())],
    ],
)
def test_a_wrong_option_is_refused(empty_log, arguments):
    with pytest.raises(CommandError):
        run(*arguments)
    assert not AuditEntry.objects.exists()


def test_after_an_unknown_entry_is_refused(empty_log):
    with pytest.raises(CommandError, match="no entry has the uid"):
        run("--after", uuid4())


def test_lists_of_a_seal_that_cannot_be_read_are_refused(empty_log, sealed_log):
    AuditSeal.objects.filter(seq=2).update(gaps="[[1]]")
    with pytest.raises(CommandError, match="lists of seal 2"):
        run("--after-seal", "0")


def test_what_cannot_be_recorded_is_not_exported(unwritable_log, capsys):
    with pytest.raises(CommandError, match="nothing complete"):
        call_command("export_audit_log")
    assert capsys.readouterr().out == ""


def test_an_export_is_recorded_once_and_does_not_contain_itself(empty_log):
    made_entry(1)
    assert exported_ids() == [1]
    recorded = AuditEntry.objects.get(action="audit.exported")
    assert json.loads(recorded.body) == {
        "format": "jsonl",
        "last_id": 1,
        "last_seal": 0,
        "with_personal_data": False,
    }


def test_a_line_is_a_row_whose_hash_and_mac_are_right(empty_log):
    made_entry(7, body='{"a":1}')
    entry_id, row = from_json(run())
    assert entry_id == 7
    assert is_genuine(row)


def test_personal_data_stay_sealed(empty_log):
    entry_with_address(1)
    for form in export_audit_log.FORMATS:
        assert ADDRESS not in run("--format", form)


def test_personal_data_are_opened_on_demand(empty_log):
    entry_with_address(1)
    line = json.loads(run("--with-personal-data").splitlines()[0])
    assert line["opened"] == {"address": ADDRESS}


def test_erased_personal_data_are_said_to_be_erased(empty_log):
    entry_with_address(1)
    erase_keys("user:5")
    line = json.loads(run("--with-personal-data").splitlines()[0])
    assert (line["opened"], line["missing"]) == (None, "erased")


def test_data_that_do_not_open_are_unreadable(empty_log):
    entry_with_address(1)
    AuditEntry.objects.filter(pk=1).update(personal=bytes(40))
    line = json.loads(run("--with-personal-data").splitlines()[0])
    assert line["missing"] == "unreadable"


def test_data_under_a_key_that_does_not_open_are_unreadable(empty_log):
    entry_with_address(1)
    made_entry(2)
    entry_with_address(3)
    break_data_key("user:5")
    lines = [json.loads(line) for line in run("--with-personal-data").splitlines()]
    assert [line.get("missing") for line in lines] == ["unreadable", None, "unreadable"]


def test_going_on_after_an_entry_leaves_out_what_came_before(empty_log, small_chunks):
    uids = [made_entry(entry_id).uid for entry_id in range(1, 8)]
    assert exported_ids("--after", uids[2]) == [4, 5, 6, 7]


def test_a_period_is_exported(empty_log, sealed_log):
    since, until = START + timedelta(minutes=2), START + timedelta(minutes=6)
    assert exported_ids("--since", since.isoformat(), "--until", until.isoformat()) == [2, 3, 4, 5]


def test_every_sealed_entry_comes_once_with_its_seal(sealed_log, small_chunks):
    found = exported(settled(Choice(after_seal=0)))
    assert [(entry.seal, entry.entry_id) for entry in found] == [
        (1, 1),
        (1, 2),
        (1, 5),
        (2, 3),
        (2, 4),
        (2, 6),
        (2, 8),
        (2, 10),
    ]


def test_going_on_after_a_seal_brings_its_late_entries(empty_log, sealed_log):
    assert exported_ids("--after-seal", 1) == [3, 4, 6, 8, 10]
    assert exported_ids("--after-seal", 2) == []


def test_what_was_sealed_is_exported_seal_by_seal(log):
    for number in range(5):
        record("audit.pruned", details={"n": number})
    (first,) = sealing.seal()
    record("audit.pruned", details={"n": 5})
    (second,) = sealing.seal()
    assert len(exported_ids("--after-seal", 0)) == first.count + second.count
    (last,) = run("--after-seal", first.seq).splitlines()
    assert is_genuine(from_json(last)[1])


def test_sealed_entries_of_a_period(empty_log, sealed_log):
    since, until = START + timedelta(minutes=4), START + timedelta(minutes=9)
    period = ("--since", since.isoformat(), "--until", until.isoformat())
    assert exported_ids("--after-seal", 0, *period) == [5, 4, 6, 8]


def test_many_late_ids_are_asked_for_in_parts(empty_log, small_chunks):
    for entry_id in range(1, 16):
        made_entry(entry_id)
    made_seal(1, 0, 13, gaps="[[1,1],[3,3],[5,5],[7,7],[9,11]]")
    made_seal(2, 13, 15, late="[[1,1],[3,3],[5,5],[7,7],[9,11]]")
    assert exported_ids("--after-seal", 1) == [1, 3, 5, 7, 9, 10, 11, 14, 15]


def test_a_gap_of_a_trillion_ids_costs_nothing(empty_log, django_assert_max_num_queries):
    made_entry(1)
    made_entry(10**12, recorded_at=START)
    made_seal(1, 0, 10**12, gaps=f"[[2,{10**12 - 1}]]", times=(START, START))
    with django_assert_max_num_queries(4):
        found = list(exported(settled(Choice(after_seal=0))))
    assert [entry.entry_id for entry in found] == [1, 10**12]


def test_data_keys_are_read_once_a_chunk(empty_log, django_assert_num_queries):
    for entry_id in range(1, 6):
        entry_with_address(entry_id)
    choice = settled(Choice(with_personal=True))
    with django_assert_num_queries(2):
        assert len(list(exported(choice))) == 5


def csv_rows(*arguments):
    return list(csv.DictReader(io.StringIO(run("--format", "csv", *arguments), newline="")))


def test_csv_has_full_times_and_names(empty_log):
    made_entry(1, recorded_at=START + timedelta(microseconds=7), body='{"n":1}')
    (row,) = csv_rows()
    assert list(row) == list(CSV_COLUMNS)
    assert row["recorded_at"] == "2026-03-01T12:00:00.000007+00:00"
    assert (row["outcome"], row["actor_kind"], row["details"]) == ("success", "user", '{"n": 1}')


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "'=1"])
def test_a_cell_is_never_a_formula(empty_log, text):
    made_entry(1, reason=text, actor_id=text)
    (row,) = csv_rows()
    assert row["reason"] == row["actor_id"] == f"'{text}"


def test_csv_with_personal_data(empty_log):
    uid = new_uid()
    data = {"address": ADDRESS, "old_name": "=Ann"}
    personal, key = seal_personal(data, subject="user:5", uid=uid)
    made_entry(1, uid=uid, personal=personal, subject_key=key)
    (row,) = csv_rows("--with-personal-data")
    assert (row["address"], row["agent"]) == (ADDRESS, "")
    assert row["personal"] == '{"old_name": "=Ann"}'


def test_csv_says_that_data_were_erased(empty_log):
    entry_with_address(1)
    erase_keys("user:5")
    (row,) = csv_rows("--with-personal-data")
    assert (row["address"], row["personal"]) == ("", "erased")


def test_a_body_that_is_no_json_does_not_stop_the_export(empty_log):
    made_entry(1, body="no json")
    made_entry(2, body="[1]")
    assert [row["details"] for row in csv_rows()] == [
        '{"[unreadable]": "no json"}',
        '{"[unreadable]": "[1]"}',
    ]


def test_a_file_is_complete_and_for_its_owner_alone(empty_log, tmp_path):
    made_entry(1)
    file = tmp_path / "log.jsonl"
    assert run("--output", file) == "1 entries exported, up to the entry with id 1.\n"
    assert json.loads(file.read_text())["id"] == 1
    assert file.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["log.jsonl"]


def test_a_failed_export_leaves_the_file_as_it_was(empty_log, sealed_log, tmp_path):
    file = tmp_path / "log.jsonl"
    file.write_text("before")
    AuditSeal.objects.filter(seq=2).update(late="x")
    with pytest.raises(CommandError):
        run("--output", file, "--after-seal", 0)
    assert file.read_text() == "before"
    assert os.listdir(tmp_path) == ["log.jsonl"]


def test_a_directory_that_is_missing_is_an_error(empty_log, tmp_path):
    with pytest.raises(CommandError, match="nothing complete"):
        run("--output", tmp_path / "missing" / "log.jsonl")


def test_the_end_is_said_as_a_seal_where_seals_were_asked_for(empty_log, sealed_log, tmp_path):
    said = run("--output", tmp_path / "log", "--after-seal", 0)
    assert said == "8 entries exported, up to seal 2.\n"


def test_personal_data_have_no_repr(empty_log):
    entry_with_address(1)
    (found,) = exported(settled(Choice(with_personal=True)))
    assert ADDRESS not in repr(found)
