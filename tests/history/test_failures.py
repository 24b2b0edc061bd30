"""Whatever the database or the keys do, the log-in goes on."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest
from django.contrib.auth.models import update_last_login
from django.contrib.auth.signals import user_logged_in
from django.db import connection, transaction
from django.test import RequestFactory

from bt_security import history, keys
from bt_security.devices.receivers import remember_login
from bt_security.history import spool
from bt_security.history.recording import record
from bt_security.keys import current
from bt_security.models import Device, LoginEvent, LoginOutcome
from tests.history.conftest import FIREFOX, browser, events, log_in, only_event
from tests.history.test_spool import no_table

pytestmark = pytest.mark.usefixtures("history_on")


@pytest.fixture(autouse=True)
def spool_dir(settings, tmp_path):
    settings.BT_SECURITY_HISTORY_SPOOL_DIR = str(tmp_path / "spool")
    return tmp_path / "spool"


@pytest.fixture
def cookie_sessions(history_on):
    """A site that needs no table for a log-in."""
    history_on.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    user_logged_in.disconnect(update_last_login, dispatch_uid="update_last_login")


def run(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


@contextmanager
def read_only():
    run("PRAGMA query_only = 1")
    try:
        yield
    finally:
        run("PRAGMA query_only = 0")


@contextmanager
def full_disk():
    run("VACUUM")  # what is free inside of the file would be room as well
    with connection.cursor() as cursor:
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages}")
    try:
        yield
    finally:
        run("PRAGMA max_page_count = 1073741823")


@pytest.mark.parametrize("password", ["Correct-horse-7", "wrong"])
def test_a_missing_table_stops_no_log_in(user, password):
    with no_table():
        answer = log_in(browser(), user, password)
    assert answer.status_code == (302 if password != "wrong" else 200)
    assert history.replay_spool() == 1


@pytest.mark.once
def test_a_read_only_database_stops_no_log_in(transactional_db, cookie_sessions, user):
    client = browser()
    with read_only():
        assert log_in(client, user).status_code == 302
    assert client.session["_auth_user_id"] == str(user.pk)
    assert history.replay_spool() == 1
    assert (only_event().user, only_event().device) == (user, None)


@pytest.mark.once
def test_a_full_disk_loses_no_event(transactional_db, user):
    request = RequestFactory().post("/", HTTP_USER_AGENT="x" * 400)
    with full_disk():
        for _ in range(30):
            record(user=user, outcome=LoginOutcome.SUCCESS, request=request)
    assert spool.waiting()
    history.replay_spool()
    assert len(events()) == 30


def test_a_missing_table_of_devices_stops_no_log_in(user, caplog):
    with pytest.MonkeyPatch.context() as patch, transaction.atomic():
        patch.setattr(Device._meta, "db_table", "bt_security_no_such_table")
        assert log_in(browser(), user).status_code == 302
        assert type(user).objects.exists()
    assert "could not be remembered" in caplog.text
    assert only_event().device is None


@pytest.fixture
def malformed_key(user, monkeypatch):
    """The key of the environment went bad while the site was running."""
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", "short")
    keys.forget()
    yield
    monkeypatch.undo()
    keys.forget()


@pytest.fixture
def no_sealing_key(user):
    """This process may open what is sealed, and seal nothing."""
    current.fix(replace(keys.ring(), sealer=None))
    yield
    current.fix(None)
    keys.forget()


@pytest.fixture(params=["malformed_key", "no_sealing_key"])
def broken_key(request):
    """Each way in which nothing can be sealed."""
    request.getfixturevalue(request.param)


@pytest.mark.parametrize("outcome", [LoginOutcome.SUCCESS, LoginOutcome.FACTOR_FAILED])
def test_a_broken_key_stops_no_log_in_and_the_log_says_whose_it_was(
    user, broken_key, outcome, caplog
):
    request = RequestFactory().post("/", HTTP_USER_AGENT=FIREFOX)
    assert record(user=user, outcome=outcome, request=request) is None
    assert f"lost a {outcome} of user {user.pk}" in caplog.text
    assert "Mozilla" not in caplog.text
    assert not LoginEvent.objects.exists()


def test_an_unknown_name_is_no_matter_of_the_key_either(user, broken_key, caplog):
    record(user=None, outcome=LoginOutcome.FAILURE, request=None, typed_name="nobody")
    assert "nobody" not in caplog.text
    assert "lost" in caplog.text


def test_a_browser_is_not_remembered_without_its_key(user, malformed_key, caplog):
    remember_login(RequestFactory().post("/"), user)
    assert "could not be remembered" in caplog.text


@pytest.mark.parametrize(
    ("addresses", "logged"), [([], "lost a success"), (["no network"], "lost a success")]
)
def test_a_malformed_setting_of_proxies_stops_no_log_in(user, settings, addresses, logged, caplog):
    settings.BT_SECURITY_NET_TRUST_PROXY = addresses and [*addresses]
    record(user=user, outcome=LoginOutcome.SUCCESS, request=RequestFactory().post("/"))
    assert (logged in caplog.text) is bool(addresses)
