"""`manage.py rotate_keys`: questions, options, output and exit status."""

from __future__ import annotations

import io
import json
import os
import pty
import termios
import time
from contextlib import suppress

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from bt_security import keys
from bt_security.keys import store
from bt_security.rotation.progress import expected_rows, progress
from bt_security.rotation.report import ColumnCount, Failure, Report
from bt_security.rotation.run import Choice, rotate
from bt_security.rotation.tables import report_table, what_is_left
from bt_security.rotation.throttle import Throttle
from tests.rotation.conftest import (  # noqa: F401 - fixtures
    NEW,
    OLD,
    empty_key_table,
    key_rows,
    key_variables,
    manage,
    operator_site,
    prefix_of,
    prefixes,
    put,
    rotate_keys,
    run,
    start,
    texts,
    use_keys,
)
from tests.testapp.models import Legacy, Note

pytestmark = pytest.mark.usefixtures("operator_site")


@pytest.fixture
def two_notes():
    notes = [Note.objects.create(body=body) for body in ("canary one", "canary two")]
    use_keys(NEW, OLD)
    return notes


def everything_stored():
    rows = {name: value for name, value in key_rows().items() if not name.startswith("_rotation")}
    return texts(Note, "body"), rows


@pytest.mark.feature("TK-07")
def test_without_a_terminal_and_without_yes_nothing_is_done(two_notes, run):  # noqa: F811
    """Without a terminal and without `--yes`, `rotate_keys` changes nothing."""
    before = everything_stored()
    outcome = run("rotate_keys", keys=key_variables(NEW, OLD))
    assert outcome.code == 1
    assert "confirm with --yes" in outcome.err
    assert everything_stored() == before


@pytest.mark.feature("TK-07")
@pytest.mark.parametrize(
    ("typed", "code", "key"),
    [("y\n", 1, OLD), ("\n", 1, OLD), ("YES\n", 1, OLD), ("yes\n", 0, NEW)],
)
def test_only_the_word_yes_at_a_terminal_confirms(two_notes, start, typed, code, key):  # noqa: F811
    """At a terminal `rotate_keys` goes on only after the literal word yes."""
    mine, its = pty.openpty()
    process = start("django", "rotate_keys", keys=key_variables(NEW, OLD), stdin=its)
    os.write(mine, typed.encode())
    out, err = process.communicate(timeout=60)
    os.close(mine)
    os.close(its)
    assert process.returncode == code, err
    assert f"Seal 2 value(s) under key {prefix_of(NEW)[3:11]}? Type yes: " in out
    assert prefixes(Note, "body") == {prefix_of(key)}


@pytest.mark.parametrize("options", [("--retire-database-key",), ("--new-purpose-key", "x")])
def test_other_actions_ask_too(options, run):  # noqa: F811
    before = key_rows()
    outcome = run("rotate_keys", *options, keys=key_variables(OLD))
    assert outcome.code == 1
    assert "confirm with --yes" in outcome.err
    assert key_rows() == before


def test_closed_standard_input_is_no_terminal(two_notes, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(CommandError, match="--yes"):
        call_command("rotate_keys")


@pytest.mark.parametrize(
    "options",
    [
        ("--workers", "2"),
        ("--max-rate", "5"),
        ("--online", "--workers", "0"),
        ("--online", "--max-rate", "-1"),
        ("--batch-size", "0"),
        ("--model", "testapp.Nothing"),
        ("--model", "auth.Group"),
        ("--database", "nowhere"),
        ("--new-purpose-key", "Not A Name"),
    ],
)
def test_options_that_make_no_sense_exit_1_and_change_nothing(two_notes, options):
    before = everything_stored()
    outcome = rotate_keys(*options)
    assert outcome.code == 1
    assert outcome.err
    assert everything_stored() == before


def test_an_unknown_option_is_djangos_own_exit_2(run):  # noqa: F811
    assert run("rotate_keys", "--old-key", "x", keys=key_variables(OLD)).code == 2


def test_dry_run_and_verify_exclude_each_other(run):  # noqa: F811
    assert run("rotate_keys", "--dry-run", "--verify", keys=key_variables(OLD)).code == 2


@pytest.mark.feature("TK-08")
def test_a_missing_key_table_exits_1(two_notes):
    """`rotate_keys` ends with 1 when the table of the keys is missing."""
    table = connection.ops.quote_name("bt_security_setting")
    hidden = connection.ops.quote_name("hidden_setting")
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {hidden}")
    store._known_tables.clear()
    try:
        outcome = rotate_keys()
        status = manage("key_status")
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {hidden} RENAME TO {table}")
    assert (outcome.code, status.code) == (1, 1)
    assert "run `manage.py migrate`" in outcome.err


def test_two_keys_with_one_id_exit_1(two_notes, monkeypatch):
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY_PREVIOUS", "a,")
    keys.forget()
    assert rotate_keys().code == 1


def test_dry_run_counts_and_changes_nothing(two_notes):
    before = everything_stored()
    outcome = manage("rotate_keys", "--dry-run", "--json")
    report = json.loads(outcome.out)
    (column,) = [each for each in report["columns"] if each["column"] == "testapp.Note.body"]
    assert (outcome.code, column["total"], column["migrated"]) == (0, 2, 0)
    assert everything_stored() == before


def test_verify_opens_all_and_changes_nothing(two_notes):
    before = everything_stored()
    assert manage("rotate_keys", "--verify", "--batch-size", "1").code == 0
    assert everything_stored() == before


def test_verify_reads_plaintext_and_null_as_rotation_does(two_notes):
    row = Legacy.objects.create(token="x")
    put(Legacy, "token", "plain", id=row.pk)
    assert manage("rotate_keys", "--verify").code == 0


def test_verify_lists_what_does_not_open_and_exits_3(two_notes):
    put(
        Note, "body", "e2:00000000:" + texts(Note, "body")[two_notes[0].pk][12:], id=two_notes[0].pk
    )
    outcome = manage("rotate_keys", "--verify")
    assert outcome.code == 3
    assert f"testapp.Note.body (primary key {two_notes[0].pk}): WrongKey" in outcome.err


def test_a_new_purpose_key_leaves_old_digests_matching():
    digest = keys.keyed_digest("api_tokens", b"token")
    assert rotate_keys("--new-purpose-key", "api_tokens").out == "api_tokens: generation 2\n"
    assert keys.keyed_digest("api_tokens", b"token").startswith("2$")
    assert digest in keys.keyed_digests("api_tokens", b"token")


@pytest.mark.parametrize(
    "options", [(), ("--online",), ("--json",), ("--online", "--workers", "2")]
)
def test_keys_and_plaintext_are_in_no_output_and_no_sql(
    two_notes, options, caplog, settings, monkeypatch
):
    monkeypatch.setenv("BT_TEST_CHILD", "1")  # for the workers
    settings.DEBUG = True
    caplog.set_level("DEBUG", logger="django.db.backends")
    connection.force_debug_cursor = True
    try:
        outcome = rotate_keys(*options)
    finally:
        connection.force_debug_cursor = False
    assert outcome.code == 0
    everything = caplog.text + outcome.out + outcome.err + str(connection.queries)
    for secret in (OLD, NEW, "canary"):
        assert secret not in everything


def test_keys_are_not_in_the_arguments_of_workers(two_notes, start):  # noqa: F811
    Note.objects.bulk_create([Note(body="x") for _ in range(200)])
    process = start(
        "django", "rotate_keys", "--yes", "--online", "--workers", "2", "--max-rate", "100",
        keys=key_variables(NEW, OLD),
    )  # fmt: skip
    seen = set()
    while process.poll() is None:
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat") as stat, open(f"/proc/{pid}/cmdline") as line:
                    if stat.read().rsplit(")", 1)[1].split()[1] == str(process.pid):
                        seen.add(line.read())
            except OSError:
                continue
        time.sleep(0.05)
    assert process.returncode == 0
    assert seen
    assert not any(secret in line for line in seen for secret in (OLD, NEW))


def test_debug_mode_does_not_hold_the_statements(two_notes, settings):
    settings.DEBUG = True
    assert rotate_keys().code == 0
    assert not any("testapp_note" in query["sql"] for query in connection.queries)


def test_a_rate_is_kept(two_notes):
    Note.objects.bulk_create([Note(body="x") for _ in range(30)])
    use_keys(OLD, NEW)
    started = time.monotonic()
    assert rotate_keys("--online", "--max-rate", "20").code == 0
    assert time.monotonic() - started > 0.9


def test_a_throttle_without_a_bound_does_not_wait():
    started = time.monotonic()
    Throttle(None).passed(10**9)
    assert time.monotonic() - started < 0.5


def test_verbosity_0_says_nothing(two_notes):
    outcome = rotate_keys("-v", "0")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


def test_the_table_names_columns_with_values(two_notes):
    lines = rotate_keys().out.splitlines()
    assert lines[0].split() == ["column", "values", "re-sealed", "already", "failed"]
    assert lines[1].split() == ["testapp.Note.body", "2", "2", "0", "0"]
    assert lines[2].startswith(f"2 rows written under {prefix_of(NEW)}, ")


def test_a_report_without_a_run_has_no_rate():
    assert "rows/s" not in report_table(Report(target="e2:00000000:"))


def test_what_a_process_goes_on_sealing_is_named():
    report = Report()
    report.merge(Report(still_written=["app.Model"]))
    report.merge(Report(still_written=["app.Model"]))
    assert not report.is_complete
    assert what_is_left(report) == ["app.Model: a running process goes on sealing under an old key"]


def test_failures_of_unknown_columns_are_counted():
    report = Report()
    assert report.add_failure(Failure("app.Model", "field", "1", "WrongKey"))
    assert not report.add_failure(Failure("app.Model", "field", "1", "WrongKey"))
    assert (report.failed, len(report.failures)) == (1, 1)


def test_the_rows_to_look_at_are_those_of_the_fullest_column():
    columns = [
        ColumnCount("app.A.x", total=10, already=4),
        ColumnCount("app.A.y", total=8, already=0),
        ColumnCount("app.B.z", total=5),
    ]
    report = Report(columns={each.column: each for each in columns})
    assert expected_rows(report, everything=False) == 8 + 5
    assert expected_rows(report, everything=True) == 10 + 5


def test_a_pipe_gets_a_line_from_time_to_time():
    stream = io.StringIO()
    with progress(stream, total=100, enabled=True, every_seconds=0.05) as tick:
        tick(0)
        tick(10)
        time.sleep(0.06)
        tick(15)
        tick(15)
        time.sleep(0.06)
        tick(0)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("25 of 100 rows, ")
    assert lines[1].startswith("40 of 100 rows, ")
    assert lines[1].endswith(" s left")


def test_no_line_comes_before_the_first_row():
    stream = io.StringIO()
    with progress(stream, total=1, enabled=True, every_seconds=0) as tick:
        tick(0)
    assert stream.getvalue() == ""


def test_nothing_is_written_when_progress_is_off():
    stream = io.StringIO()
    with progress(stream, total=1, enabled=False, every_seconds=0) as tick:
        tick(1)
    assert stream.getvalue() == ""


def test_a_terminal_gets_a_bar():
    mine, its = pty.openpty()
    termios.tcsetwinsize(its, (24, 80))
    with (
        os.fdopen(its, "w") as stream,
        progress(stream, total=20, enabled=True) as tick,
    ):
        tick(20)
    bar = ""
    with suppress(OSError):  # how Linux says that the other end is closed
        while part := os.read(mine, 4096):
            bar += part.decode()
    os.close(mine)
    assert "100%" in bar
    assert "20/20" in bar
    assert "row/s" in bar


def test_workers_tell_their_progress(two_notes, monkeypatch):
    monkeypatch.setenv("BT_TEST_CHILD", "1")
    told = []
    report = rotate(Choice(online=True, workers=2), tick=told.append)
    assert report.rows == 2
    assert sum(told) == 2
