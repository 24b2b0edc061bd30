"""What the database did not take waits sealed, is stored once, and nothing else is."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager

import pytest
from django.core.signals import request_finished
from django.db import IntegrityError, transaction
from django.utils import timezone

from bt_security import history
from bt_security.crypto import looks_sealed
from bt_security.history import spool, storing, waiting
from bt_security.history.recording import record
from bt_security.models import Device, LoginEvent, LoginOutcome, Session
from tests.history.conftest import FIREFOX, browser, events, log_in, make_user, only_event

pytestmark = pytest.mark.usefixtures("history_on")

ADDRESS = "192.0.2.7"


@pytest.fixture(autouse=True)
def spool_dir(settings, tmp_path):
    settings.BT_SECURITY_HISTORY_SPOOL_DIR = str(tmp_path / "spool")
    return tmp_path / "spool"


@contextmanager
def no_table():
    """The table is away, as while a restore runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LoginEvent._meta, "db_table", "bt_security_no_such_table")
        yield


@pytest.fixture
def spooled(user):
    """The event of a log-in that waits in the spool."""
    with no_table():
        assert log_in(browser(), user).status_code == 302
    (file,) = spool.waiting()
    return file


def test_a_log_in_that_the_table_does_not_take_is_stored_later(user, spooled, caplog):
    """A log-in goes on when the history takes nothing; its event is stored later, and once."""
    assert not LoginEvent.objects.exists()
    assert history.replay_spool() == 1
    event = only_event()
    assert (event.user, event.outcome, event.method) == (user, LoginOutcome.SUCCESS, "password")
    assert (event.ip_address, event.user_agent) == (ADDRESS, FIREFOX)
    assert (event.device, event.is_new_device) == (Device.objects.get(), True)
    assert spool.waiting() == []


def test_a_stored_event_keeps_its_time_and_session(sealed_sessions, user):
    before = timezone.now()
    with no_table():
        log_in(browser(), user)
    after = timezone.now()
    history.replay_spool()
    event = only_event()
    assert before < event.happened_at < after
    assert event.session_uuid == Session.objects.get().uuid


def test_a_stored_event_is_found_by_its_address(spooled):
    history.replay_spool()
    assert LoginEvent.objects.filter(ip_address=ADDRESS).exists()


def test_an_unknown_name_waits_as_a_digest():
    with no_table():
        log_in(browser(), "nobody@example.com")
    assert looks_sealed(spool.waiting()[0].read_text())
    assert history.replay_spool() == 1
    assert (only_event().user, only_event().outcome) == (None, LoginOutcome.FAILURE)
    assert only_event().name_digest


def test_a_file_holds_sealed_values_and_only_its_owner_reads_it(spooled, spool_dir):
    text = spooled.read_text()
    assert ADDRESS not in text
    assert "Mozilla" not in text
    assert stat.S_IMODE(spooled.stat().st_mode) == 0o600
    assert stat.S_IMODE(spool_dir.stat().st_mode) == 0o700


def test_the_log_says_that_an_event_waits(user, caplog):
    with no_table():
        log_in(browser(), user)
    assert "waits in the spool" in caplog.text
    assert ADDRESS not in caplog.text


def test_the_next_log_in_stores_what_waits(transactional_db, user, spooled):
    log_in(browser(), user)
    assert len(events()) == 2
    assert spool.waiting() == []


def test_a_log_in_in_a_transaction_stores_what_waits_after_its_commit(
    transactional_db, user, spooled
):
    with transaction.atomic():
        record(user=user, outcome=LoginOutcome.SUCCESS, request=None)
        assert spool.waiting() == [spooled]
    assert spool.waiting() == []
    assert len(events()) == 2


def test_a_log_in_that_is_undone_leaves_what_waits(transactional_db, user, spooled):
    with transaction.atomic():
        record(user=user, outcome=LoginOutcome.SUCCESS, request=None)
        transaction.set_rollback(True)
    assert spool.waiting() == [spooled]


def test_one_log_in_stores_a_few_files_only(transactional_db, user, spooled, monkeypatch):
    with no_table():
        for _ in range(2):
            log_in(browser(), user)
    monkeypatch.setattr(storing, "REPLAYED_FILES", 2)
    log_in(browser(), user)
    assert (len(events()), len(spool.waiting())) == (3, 1)


def test_a_second_replay_stores_nothing_twice(spooled):
    text = spooled.read_text()
    assert history.replay_spool() == 1
    spooled.write_text(text)
    assert history.replay_spool() == 0
    assert len(events()) == 1
    assert spool.waiting() == []


def test_events_of_an_account_that_is_gone_are_dropped(user, spooled):
    user.delete()
    assert history.replay_spool() == 0
    assert not events()
    assert spool.waiting() == []


def test_an_event_of_a_device_that_is_gone_is_stored_without_it(spooled):
    Device.objects.all().delete()
    assert history.replay_spool() == 1
    assert (only_event().device, only_event().device_label) == (None, "Firefox on Linux")


def test_files_wait_while_the_table_is_away(spooled, caplog):
    with no_table():
        assert history.replay_spool() == 0
    assert spool.waiting() == [spooled]
    assert "still wait" in caplog.text


@pytest.mark.parametrize(
    "forge",
    [
        lambda text: text[:-5] + "AAAA=",
        lambda text: text[:100],
        lambda text: "",
        lambda text: '{"outcome": "success"}',
    ],
)
def test_a_changed_file_is_set_aside(spooled, spool_dir, forge, caplog):
    spooled.write_text(forge(spooled.read_text()) + "\n")
    assert history.replay_spool() == 0
    assert [file.suffix for file in spool_dir.iterdir()] == [".refused"]
    assert "not of this log" in caplog.text
    assert not events()


def test_a_sealed_value_of_a_column_is_no_event(user, spooled, spool_dir):
    log_in(browser(), user)
    (value,) = LoginEvent.objects.values_list("user_agent", flat=True)[:1]
    (spool_dir / "0.jsonl").write_text(value.text)
    history.replay_spool()
    assert (spool_dir / "0.refused").exists()


def test_a_file_of_a_key_that_is_gone_waits(spooled, caplog):
    text = spooled.read_text()
    spooled.write_text(text[:3] + "00000000" + text[11:])
    assert history.replay_spool() == 0
    assert spool.waiting() == [spooled]
    assert "Spooled events still wait: WrongKey" in caplog.text


def test_a_failure_of_an_account_that_was_undone_is_dropped_by_the_replay(transactional_db):
    with transaction.atomic():
        record(user=make_user("eve"), outcome=LoginOutcome.FAILURE, request=None)
        transaction.set_rollback(True)
    request_finished.send(__name__)
    assert len(spool.waiting()) == 1
    assert history.replay_spool() == 0
    assert spool.waiting() == []


def test_without_a_spool_the_line_of_the_log_has_the_event_sealed(user, settings, caplog):
    settings.BT_SECURITY_HISTORY_SPOOL_DIR = ""
    with no_table():
        assert log_in(browser(), user).status_code == 302
    (line,) = [r.getMessage() for r in caplog.records if r.name == "bt_security.history"]
    assert f"did not take this success of user {user.pk} (" in line
    assert looks_sealed(line.rpartition(" ")[2])
    assert ADDRESS not in line
    assert "Mozilla" not in line


def test_a_spool_that_cannot_be_written_to_makes_a_line_of_the_log(user, spool_dir, caplog):
    spool_dir.write_text("a file where a directory should be")
    with no_table():
        assert log_in(browser(), user).status_code == 302
    assert "spool: " in caplog.text
    assert f"this success of user {user.pk} (" in caplog.text


def test_a_spool_that_cannot_be_looked_into_stops_no_log_in(user, settings):
    settings.BT_SECURITY_HISTORY_SPOOL_DIR = f"/{'x' * 300}"  # longer than a name may be
    client = browser()
    assert log_in(client, user).status_code == 302
    assert only_event().user == user
    assert spool.waiting() == []


def test_a_full_disk_leaves_no_unfinished_file(user, spool_dir, monkeypatch, caplog):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "fsync", full)
    with no_table():
        assert log_in(browser(), user).status_code == 302
    assert list(spool_dir.iterdir()) == []
    assert f"this success of user {user.pk} (" in caplog.text


def test_an_insert_that_fails_leaves_the_callers_transaction_usable(user):
    record(user=user, outcome=LoginOutcome.SUCCESS, request=None)
    stored = only_event()
    twin = LoginEvent(
        user=user, uid=stored.uid, outcome=stored.outcome, happened_at=stored.happened_at
    )
    with transaction.atomic():
        assert storing.store(twin, None) is None
        make_user("after")
    assert type(user).objects.count() == 2
    assert len(spool.waiting()) == 1


def test_what_waits_for_a_commit_goes_to_the_spool_as_well(transactional_db, user):
    with no_table(), transaction.atomic():
        record(user=user, outcome=LoginOutcome.FAILURE, request=None)
    assert waiting._left == []
    assert history.replay_spool() == 1


def test_a_replay_that_loses_a_race_leaves_the_file(spooled, monkeypatch, caplog):
    def taken(event, using):
        raise IntegrityError

    monkeypatch.setattr(spool, "_store", taken)
    assert history.replay_spool() == 0
    assert spool.waiting() == [spooled]
