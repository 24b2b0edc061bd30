"""Entries share the fate of their transaction; refusals do not; what cannot be stored is kept."""

from __future__ import annotations

import json
import logging
import stat
from contextlib import suppress
from contextvars import copy_context

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection, transaction
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

from bt_security import audit, keys
from bt_security.audit import pending, spool
from bt_security.audit.recording import is_genuine
from bt_security.audit.rows import from_json
from bt_security.audit.scopes import in_request
from bt_security.exceptions import AuditUnavailable
from bt_security.models import ActorKind, AuditEntry, AuditSubjectKey
from tests.audit.spooled import replay
from tests.testapp.models import Account

ACTION = "test.done"
SPOOLED = "test.login"
LOGGER = "bt_security.audit"


@pytest.fixture(autouse=True)
def _actions(audit_on):
    audit.register(ACTION, help="For tests.")
    audit.register(SPOOLED, help="For tests.", on_error="spool")


@pytest.fixture
def log(transactional_db, log):
    """The log, without a transaction around the test."""
    return log


@pytest.fixture
def no_table(log):
    """The log's table under another name: every INSERT fails."""
    with connection.schema_editor() as editor:
        editor.alter_db_table(AuditEntry, "bt_security_audit_entry", "audit_entry_away")
    yield
    with connection.schema_editor() as editor:
        editor.alter_db_table(AuditEntry, "audit_entry_away", "bt_security_audit_entry")


@pytest.fixture
def spool_dir(settings, tmp_path):
    settings.BT_SECURITY_AUDIT_SPOOL_DIR = str(tmp_path / "spool")
    return tmp_path / "spool"


class UndoneError(Exception):
    """Ends a transaction of a test."""


def undo_after(*steps):
    with suppress(UndoneError), transaction.atomic():
        for step in steps:
            step()
        raise UndoneError


def test_an_entry_goes_with_its_transaction(log):
    undo_after(lambda: audit.record(ACTION))
    assert log() == []


def test_a_refusal_outlives_its_transaction(log):
    undo_after(lambda: audit.record_refusal(ACTION))
    pending.store_waiting()
    assert log.actions() == [ACTION]


def test_a_refusal_is_stored_when_the_transaction_commits(log):
    with transaction.atomic():
        audit.record_refusal(ACTION)
        assert log() == []
    assert log.actions() == [ACTION]


def test_a_refusal_outside_a_transaction_is_stored_at_once(log):
    audit.record_refusal(ACTION)
    assert log.actions() == [ACTION]


def test_a_refusal_of_an_actor_block_is_stored_at_its_end(log):
    with audit.actor("task", "nightly"):
        undo_after(lambda: audit.record_refusal(ACTION))
        assert log() == []
    assert log.actions() == [ACTION]


def test_a_block_that_ends_inside_the_transaction_leaves_its_refusals_for_later(log):
    def refuse():
        with audit.actor("task", "nightly"):
            audit.record_refusal(ACTION)

    undo_after(refuse)
    assert log() == []
    audit.record(SPOOLED)
    assert log.actions() == [ACTION, SPOOLED]
    assert log()[0].actor_id == "nightly"


def test_a_refusal_keeps_the_time_it_happened(log):
    undo_after(lambda: audit.record_refusal(ACTION))
    audit.record(SPOOLED)
    first, second = log()
    assert first.recorded_at < second.recorded_at


def test_a_block_of_async_code_leaves_its_refusals_for_later(log):
    def refuse():
        undo_after(lambda: audit.record_refusal(ACTION))

    async def work():
        with audit.actor("task", "nightly"):
            await sync_to_async(refuse)()
        assert not await AuditEntry.objects.filter(action=ACTION).aexists()
        await audit.arecord(SPOOLED)
        await audit.arecord_refusal(SPOOLED)

    async_to_sync(work)()
    assert log.actions() == [ACTION, SPOOLED, SPOOLED]


@pytest.mark.django_db
def test_a_test_case_around_it_is_no_transaction(audit_on):
    audit.record_refusal(ACTION)
    assert AuditEntry.objects.filter(action=ACTION).exists()


class TestWithoutTable:
    """The database does not take the entry."""

    @transaction.atomic
    def change_and_record(self):
        Account.objects.create(email="new@example.com")
        audit.record(ACTION)

    @transaction.atomic
    def record_and_change(self):
        with suppress(AuditUnavailable):
            audit.record(ACTION)
        Account.objects.create(email="new@example.com")

    def test_raise_refuses_the_change(self, no_table, caplog):
        with pytest.raises(AuditUnavailable):
            self.change_and_record()
        assert not Account.objects.exists()

    def test_a_caller_that_goes_on_cannot_commit(self, no_table):
        with pytest.raises(transaction.TransactionManagementError):
            self.record_and_change()
        assert not Account.objects.exists()

    def test_raise_outside_a_transaction(self, no_table):
        with pytest.raises(AuditUnavailable):
            audit.record(ACTION)

    def test_the_error_holds_no_value_of_the_row(self, no_table):
        with pytest.raises(AuditUnavailable) as caught:
            audit.record(ACTION, details={"iban": "DE00"})
        request = RequestFactory().get("/")
        report = ExceptionReporter(request, caught.type, caught.value, caught.tb)
        assert "AuditUnavailable" in report.get_traceback_text()
        assert "DE00" not in "".join(
            str(frame["vars"]) for frame in report.get_traceback_frames()[1:]
        )

    def test_spool_lets_the_change_through_and_keeps_the_entry(self, no_table, spool_dir, caplog):
        with transaction.atomic():
            Account.objects.create(email="new@example.com")
            audit.record(SPOOLED, details={"count": 3})
        assert Account.objects.exists()
        (file,) = spool.waiting()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(spool_dir.stat().st_mode) == 0o700
        _id, row = from_json(file.read_text().strip())
        assert (row.action, row.body) == (SPOOLED, '{"count":3}')
        assert is_genuine(row)
        assert "wait in the spool" in caplog.text

    def test_a_refusal_goes_to_the_spool_whatever_the_policy(self, no_table, spool_dir):
        audit.record_refusal(ACTION)
        assert len(spool.waiting()) == 1

    def test_without_a_spool_the_log_line_has_the_entry(self, no_table, caplog):
        audit.record(SPOOLED)
        line = caplog.records[-1].getMessage()
        assert is_genuine(from_json(line[line.index("{") :])[1])
        assert caplog.records[-1].levelno == logging.CRITICAL

    def test_a_spool_that_cannot_be_written_leaves_the_log_line(
        self, no_table, settings, tmp_path, caplog
    ):
        (tmp_path / "file").write_text("")
        settings.BT_SECURITY_AUDIT_SPOOL_DIR = str(tmp_path / "file" / "below")
        audit.record(SPOOLED)
        assert '"action":"test.login"' in caplog.text

    def test_the_spool_stays_while_the_table_is_away(self, no_table, spool_dir, caplog):
        audit.record(SPOOLED)
        assert replay() == 0
        assert len(spool.waiting()) == 1
        assert "still wait" in caplog.text


def test_a_committed_entry_is_one_line_of_the_log(log, caplog):
    caplog.set_level(logging.INFO, logger=LOGGER)
    with transaction.atomic():
        audit.record(ACTION, details={"count": 3})
        assert not caplog.records
    (record,) = caplog.records
    assert json.loads(record.getMessage())["body"] == '{"count":3}'


def test_an_entry_that_is_rolled_back_is_no_line_of_the_log(log, caplog):
    caplog.set_level(logging.INFO, logger=LOGGER)
    undo_after(lambda: audit.record(ACTION))
    assert not caplog.records


def test_a_data_key_of_a_transaction_that_is_rolled_back_is_made_again(log):
    def entry():
        audit.record(ACTION, personal={"email": "a@b.example"}, subject="user:5")

    undo_after(entry, entry)
    entry()
    assert log.only().personal_data == {"email": "a@b.example"}


def test_a_data_key_of_a_savepoint_that_is_rolled_back_is_made_again(log):
    def entry():
        audit.record(ACTION, personal={"email": "a@b.example"}, subject="user:5")

    with transaction.atomic():
        undo_after(entry)
        entry()
        entry()
    assert [found.personal_data for found in log()] == [{"email": "a@b.example"}] * 2


def test_in_one_transaction_a_data_key_is_read_once(log, django_assert_num_queries):
    def entry():
        audit.record(ACTION, personal={"email": "a@b.example"}, subject="user:5")

    with transaction.atomic():
        entry()
        with django_assert_num_queries(2):
            entry()
            entry()


def test_an_error_of_another_kind_than_the_databases_is_no_lost_entry(log, settings):
    settings.BT_SECURITY_AUDIT_TENANT = f"{__name__}.no_such_function"
    with pytest.raises(ImportError):
        audit.record(ACTION)
    del settings.BT_SECURITY_AUDIT_TENANT


def test_a_database_that_swallows_the_entry_refuses_the_change(log):
    if connection.vendor != "sqlite":
        return
    table = AuditEntry._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TRIGGER swallow BEFORE INSERT ON {table} BEGIN SELECT RAISE(IGNORE); END"
        )
    try:
        with pytest.raises(AuditUnavailable):
            audit.record(ACTION)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER swallow")


def test_an_entry_that_cannot_be_made_lets_nothing_commit(log, user, settings):
    settings.BT_SECURITY_KEYS_ACCEPT_DATABASE_KEY = False
    keys.forget()
    with transaction.atomic():
        Account.objects.update(is_staff=True)
        with suppress(AuditUnavailable):
            audit.record(ACTION)
    settings.BT_SECURITY_KEYS_ACCEPT_DATABASE_KEY = True
    keys.forget()
    assert not Account.objects.filter(is_staff=True).exists()


@pytest.fixture
def no_key(log, settings):
    """A process that may not seal: nothing of the log can be finished."""
    settings.BT_SECURITY_KEYS_ACCEPT_DATABASE_KEY = False
    keys.forget()
    yield
    settings.BT_SECURITY_KEYS_ACCEPT_DATABASE_KEY = True
    keys.forget()


def test_where_the_action_goes_on_an_entry_that_cannot_be_sealed_is_said_loudly(no_key, caplog):
    assert audit.record(SPOOLED, details={"count": 3}) is None
    assert audit.record_refusal(ACTION) is None
    first, second = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert 'test.login success {"count":3}' in first.getMessage()
    assert "test.done" in second.getMessage()


def test_of_two_that_make_a_persons_key_both_use_the_first(log, user):
    """Another request has made the key after this one has looked for it."""
    others = [AuditSubjectKey(pk=7, subject="user:5", secret=b"k" * 32)]

    def make_it_after(execute, sql, params, many, context):
        found = execute(sql, params, many, context)
        if sql.startswith("SELECT") and "subject_key" in sql and others:
            others.pop().save(force_insert=True)
        return found

    with connection.execute_wrapper(make_it_after):
        audit.record(ACTION, personal={"email": "a@b.example"}, subject="user:5")
    entry = log.only(action=ACTION)
    assert entry.subject_key == 7
    assert entry.personal_data == {"email": "a@b.example"}


def test_a_task_that_outlives_its_request_is_outside_of_it(log):
    request = RequestFactory().get("/")
    with in_request(request):
        later = copy_context()

    def work():
        audit.record(ACTION)
        undo_after(lambda: audit.record_refusal(ACTION))

    later.run(work)
    audit.record(SPOOLED)
    assert [(entry.action, ActorKind(entry.actor_kind)) for entry in log()] == [
        (ACTION, ActorKind.SYSTEM),
        (ACTION, ActorKind.SYSTEM),
        (SPOOLED, ActorKind.SYSTEM),
    ]
