"""What waits in the spool is stored once, and nothing else is."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction

from bt_security import audit
from bt_security.audit import rows, spool
from bt_security.audit.rows import COLUMNS
from bt_security.audit.writing import alias, insert
from bt_security.models import AuditEntry
from tests.audit.spooled import as_row, replay
from tests.testapp.models import Account

ACTION = "test.done"


@pytest.fixture
def log(transactional_db, log):
    """The log, without a transaction around the test."""
    audit.register(ACTION, help="For tests.")
    return log


@pytest.fixture
def spool_dir(settings, tmp_path):
    settings.BT_SECURITY_AUDIT_SPOOL_DIR = str(tmp_path / "spool")
    return tmp_path / "spool"


@pytest.fixture
def spooled(log, spool_dir):
    """A finished row in the spool that the table never got."""
    audit.record(ACTION, details={"count": 3})
    row = AuditEntry.objects.filter(action=ACTION).values_list(*COLUMNS).get()
    AuditEntry.objects.filter(action=ACTION).delete()
    spool.keep([as_row(row)], why="OperationalError")
    return as_row(row)


def test_replay_stores_what_waited_with_its_time(log, spooled):
    assert replay() == 1
    entry = log.only(action=ACTION)
    assert (entry.uid, entry.recorded_at) == (spooled.uid, spooled.recorded_at)
    assert spool.waiting() == []


def test_replay_of_an_entry_that_is_stored_changes_nothing(log, spooled):
    assert replay() == 1
    spool.keep([spooled], why="twice")
    assert replay() == 0
    assert len(log(action=ACTION)) == 1
    assert spool.waiting() == []


def test_a_file_that_another_process_has_stored_meanwhile_is_passed_over(log, spooled, caplog):
    spool.keep([spooled._replace(uid=rows.new_uid())], why="twice")

    def insert_and_take_away(found):
        insert(connection, found)
        for file in spool.waiting():
            file.unlink()

    assert spool.replay(using=alias(), is_genuine=bool, insert=insert_and_take_away) == 1
    assert "set aside" not in caplog.text


def test_a_file_that_cannot_be_read_waits(log, spooled, spool_dir, caplog):
    (spool_dir / "0.jsonl").mkdir()
    assert replay() == 1
    assert (spool_dir / "0.jsonl").exists()
    assert "cannot be read" in caplog.text


def test_a_replay_that_fails_in_a_transaction_leaves_it_open(log, spooled, caplog):
    def refuse(found):
        raise IntegrityError

    with transaction.atomic():
        assert spool.replay(using=alias(), is_genuine=bool, insert=refuse) == 0
        Account.objects.create(email="after@example.com")
    assert Account.objects.exists()
    assert len(spool.waiting()) == 1


def test_a_line_that_is_no_row_is_set_aside(log, spooled, spool_dir):
    (file,) = spool.waiting()
    file.write_text('{"uid": "cut sho')
    assert replay() == 0
    assert [path.suffix for path in spool_dir.iterdir()] == [".refused"]


def test_a_forged_line_is_set_aside(log, spooled, spool_dir, caplog):
    (file,) = spool.waiting()
    file.write_text(json.dumps(json.loads(file.read_text()) | {"reason": "forged"}))
    assert replay() == 0
    assert [path.suffix for path in spool_dir.iterdir()] == [".refused"]
    assert log(action=ACTION) == []
    assert "not of this log" in caplog.text


def test_a_spooled_line_of_an_unknown_key_keeps_no_other_waiting(log, spooled, spool_dir, caplog):
    spool.keep([spooled._replace(uid=UUID(int=0), mac_generation=9)], why="poison")
    (spool_dir / "1.jsonl").write_text("[" * 100_000)
    assert replay() == 1
    assert "still wait: WrongKey" in caplog.text


def test_a_line_of_an_archive_is_no_spooled_entry(log, spooled, spool_dir):
    (file,) = spool.waiting()
    file.write_text(json.dumps(json.loads(file.read_text()) | {"id": 7}))
    assert replay() == 0
    assert [path.suffix for path in spool_dir.iterdir()] == [".refused"]
