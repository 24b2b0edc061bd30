"""What is too old goes, what is not stays, and what went is recorded."""

from __future__ import annotations

import json
import threading
import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, connections
from django.db.models.signals import post_delete
from django.test.utils import CaptureQueriesContext

from bt_security import keys
from bt_security.history import spool
from bt_security.history.kinds import NAMES, all_kinds
from bt_security.history.pruning import prune
from bt_security.models import (
    ApiToken,
    CspReport,
    Device,
    LoginEvent,
    LoginOutcome,
    Session,
    UsedToken,
)
from bt_security.models.batches import delete_in_batches
from tests.audit.conftest import audit_on, log
from tests.history.old_rows import (
    account,
    ago,
    api_token,
    csp_report,
    device,
    event,
    events,
    session,
    used_token,
)

__all__ = ["audit_on", "log"]

pytestmark = pytest.mark.django_db

COMMAND = "prune_security_logs"


def kind(name, **days):
    return next(one for one in all_kinds(**days) if one.name == name)


def pruned(*arguments):
    out = StringIO()
    call_command(COMMAND, "--json", *arguments, stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def fresh_keys(transactional_db):
    """The keys of this database, not those of one that was flushed since."""
    keys.forget()
    yield
    keys.forget()


def test_log_ins_of_accounts_are_kept_for_their_days(settings):
    settings.BT_SECURITY_HISTORY_KEPT_DAYS = 10
    mary = account()
    event(mary, days=10.01)
    event(mary, days=10.01, outcome=LoginOutcome.FAILURE)
    kept = event(mary, days=9.99)
    assert prune(kind("logins")) == 2
    assert LoginEvent.objects.get() == kept


def test_attempts_with_unknown_names_are_kept_for_their_own_days(settings):
    settings.BT_SECURITY_HISTORY_UNKNOWN_KEPT_DAYS = 10
    event(None, days=10.01, outcome=LoginOutcome.FAILURE)
    kept = event(None, days=9.99, outcome=LoginOutcome.FAILURE)
    others = event(account(), days=10.01)
    assert prune(kind("unknown_logins")) == 1
    assert set(LoginEvent.objects.all()) == {kept, others}


def test_by_default_unknown_names_go_long_before_accounts_do():
    mary = account()
    for days in (29, 31, 179, 181):
        event(None, days=days, outcome=LoginOutcome.FAILURE)
        event(mary, days=days)
    assert pruned()["rows"] == {**dict.fromkeys(NAMES, 0), "logins": 1, "unknown_logins": 3}


def test_sessions_that_are_over_go():
    session(days=1)
    kept = session(days=-1)
    assert prune(kind("sessions")) == 1
    assert Session.objects.get() == kept


def test_a_browser_that_is_forgotten_leaves_its_log_ins(settings):
    settings.BT_SECURITY_DEVICES_COOKIE_AGE_DAYS = 10
    mary = account()
    event(mary, device=device(mary, days=11), device_label="Firefox on Linux")
    kept = device(mary, days=9)
    assert prune(kind("devices")) == 1
    assert Device.objects.get() == kept
    left = LoginEvent.objects.get()
    assert (left.device, left.device_label) == (None, "Firefox on Linux")


def test_tokens_go_as_prune_tokens_deletes_them():
    mary = account()
    used_token(days=2)
    used_token(days=0.5)
    api_token(mary, days=31)
    api_token(mary, days=29)
    assert kind("tokens").count() == 2
    assert prune(kind("tokens"), batch_rows=1) == 2
    assert (UsedToken.objects.count(), ApiToken.objects.count()) == (1, 1)


def test_old_counts_of_violations_go(settings):
    settings.BT_SECURITY_HEADERS_CSP_REPORT_KEPT_DAYS = 10
    csp_report(days=11)
    kept = csp_report(days=9)
    assert prune(kind("csp_reports")) == 1
    assert CspReport.objects.get() == kept


def test_every_kind_says_beforehand_how_many_rows_it_would_delete():
    mary = account()
    event(mary, days=200)
    event(None, days=200)
    session(days=1)
    device(mary, days=3_000)
    used_token(days=2)
    csp_report(days=3_000)
    before = pruned("--dry-run")
    assert before == {"dry_run": True, "rows": dict.fromkeys(NAMES, 1), "spooled": 0}
    assert pruned()["rows"] == before["rows"]
    assert pruned()["rows"] == dict.fromkeys(NAMES, 0)


def test_a_dry_run_deletes_and_records_nothing(log):
    event(account(), days=200)
    pruned("--dry-run")
    assert LoginEvent.objects.count() == 1
    assert log(action="history.pruned") == []


def test_only_the_kinds_that_are_named_are_pruned():
    mary = account()
    event(mary, days=200)
    event(None, days=200)
    csp_report(days=3_000)
    assert pruned("--only", "logins", "--only", "csp_reports")["rows"] == {
        "logins": 1,
        "csp_reports": 1,
    }
    assert LoginEvent.objects.get().user is None


def test_days_of_one_run_come_before_the_settings():
    event(account(), days=3)
    event(None, days=3)
    days = ("--kept-days", "2", "--unknown-kept-days", "4")
    assert pruned(*days)["rows"]["logins"] == 1
    assert LoginEvent.objects.get().user is None


@pytest.mark.parametrize(
    "option",
    ["--batch-size=0", "--kept-days=0", "--unknown-kept-days=-1", "--kept-days=3651"],
)
def test_numbers_that_make_no_sense_are_refused(option):
    event(account(), days=4_000)
    with pytest.raises(CommandError, match="Nothing was pruned") as refused:
        pruned(option)
    assert refused.value.returncode == 1
    assert LoginEvent.objects.count() == 1


def test_settings_that_make_no_sense_are_refused(settings):
    settings.BT_SECURITY_HISTORY_KEPT_DAYS = "many"
    with pytest.raises(CommandError, match="BT_SECURITY_HISTORY_KEPT_DAYS"):
        pruned()


def test_people_read_a_line_for_each_kind():
    event(account(), days=200)
    out = StringIO()
    call_command(COMMAND, stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0] == "Deleted         1  log-ins of accounts (logins)"
    assert len(lines) == len(NAMES)


def test_a_run_is_recorded_once_for_each_kind_that_had_something(log):
    events(account(), 5, days=200)
    csp_report(days=3_000)
    pruned("--batch-size", "2", "--kept-days", "100")
    assert [entry.body for entry in log(action="history.pruned")] == [
        {"count": 5, "kept_days": 100, "kind": "logins"},
        {"count": 1, "kept_days": 30, "kind": "csp_reports"},
    ]


@pytest.mark.django_db(transaction=True)
def test_an_error_is_said_recorded_and_ends_one_kind_only(fresh_keys, log):
    """A receiver of the site stands for a database that does not go on."""
    mary = account()
    events(mary, 4, days=200)
    event(None, days=200)
    seen = []

    def refuse(instance, **_):
        seen.append(instance)
        if len(seen) == 4:
            raise OperationalError

    post_delete.connect(refuse, sender=LoginEvent, weak=False, dispatch_uid="test-refuse")
    out = StringIO()
    try:
        with pytest.raises(
            CommandError, match=r"Not done: logins \(OperationalError\)\."
        ) as failed:
            call_command(COMMAND, "--json", "--batch-size", "2", stdout=out)
    finally:
        post_delete.disconnect(sender=LoginEvent, dispatch_uid="test-refuse")
    assert failed.value.returncode == 1
    rows = json.loads(out.getvalue())["rows"]
    assert rows == {**dict.fromkeys(NAMES, 0), "logins": None, "unknown_logins": 1}
    entry, *_ = log(action="history.pruned")
    assert (entry.reason, entry.body["count"]) == ("OperationalError", 2)
    assert LoginEvent.objects.count() == 2


def test_rows_are_deleted_by_ranges_of_their_keys():
    events(account(), 25, days=200)
    ticks = []
    assert delete_in_batches(LoginEvent.objects.all(), batch_rows=10, tick=ticks.append) == 25
    assert ticks == [10, 10, 5]


def test_gaps_between_keys_are_jumped_over():
    mary = account()
    event(mary, days=200, pk=10)
    event(mary, days=200, pk=10_000_000_000)
    with CaptureQueriesContext(connection) as queries:
        assert prune(kind("logins")) == 2
    assert len(queries) < 10


def test_rows_that_came_too_late_to_be_in_order_are_found():
    mary = account()
    for days in (1, 200, 2, 300, 3):
        event(mary, days=days)
    assert prune(kind("logins"), batch_rows=1) == 2
    assert LoginEvent.objects.count() == 3


def test_nothing_to_do_takes_one_question():
    event(account())
    with CaptureQueriesContext(connection) as queries:
        assert prune(kind("logins")) == 0
    assert len(queries) == 1


@pytest.mark.django_db(transaction=True)
def test_a_log_in_never_waits_long_for_a_run():
    mary = account()
    events(mary, 3_000, days=200)
    waits = []

    def write():
        try:
            while runner.is_alive():
                started = time.monotonic()
                event(mary)
                waits.append(time.monotonic() - started)
                time.sleep(0.01)
        finally:
            connections.close_all()

    def run():
        try:
            prune(kind("logins"), batch_rows=500)
        finally:
            connections.close_all()

    runner, writer = threading.Thread(target=run), threading.Thread(target=write)
    runner.start()
    writer.start()
    runner.join(60)
    writer.join(60)
    assert LoginEvent.objects.older_than(ago(days=180)).count() == 0
    assert max(waits) < 2


def test_what_waits_in_the_spool_is_stored_first_and_judged_by_its_age(settings, tmp_path):
    settings.BT_SECURITY_FEATURES = ["history"]
    settings.BT_SECURITY_HISTORY_SPOOL_DIR = str(tmp_path)
    mary = account()
    for days in (1, 200):
        made = event(mary, days=days)
        made.delete()
        spool.keep(made, why="test")
    assert pruned("--dry-run")["spooled"] == 0
    out = StringIO()
    call_command(COMMAND, "--only", "logins", stdout=out)
    said = out.getvalue().splitlines()
    assert said[0] == "Stored 2 log-ins that had waited in the spool."
    assert said[1].startswith("Deleted         1")
    assert LoginEvent.objects.count() == 1
