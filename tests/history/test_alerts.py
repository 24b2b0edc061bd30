"""Which log-ins their owner gets a mail about, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.core import mail
from django.db import OperationalError, connection
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bt_security.history import record_factor_failed
from bt_security.history.alerts import FACTOR_FAILED, MAILS_PER_HOUR, NEW_DEVICE, notify
from bt_security.models import Device, LoginEvent, LoginOutcome
from tests.history.alerting import (
    STRANGER,
    alert_site,
    committed,
    event_of,
    failed_factor,
    is_in,
    link_in,
    only_mail,
    owner,
    request_of,
    stranger,
)
from tests.history.conftest import PASSWORD, browser, log_in, make_user, post_json

__all__ = ["alert_site", "committed", "owner", "stranger"]

pytestmark = pytest.mark.usefixtures("alert_site")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def tell(committed):
    """Give a function that tells of a stored event, and commits."""
    return lambda event, request=None: committed(notify, event, request or request_of())


@pytest.fixture
def seasoned(user):
    """A user who has logged in before."""
    event_of(user, happened_at=NOON - timedelta(days=30), is_new_device=False)
    return user


def test_a_log_in_with_another_browser_is_mailed_to_the_account(stranger, user):
    assert only_mail().to == [user.email]
    assert only_mail().subject == "New log-in to your account at testserver"


@pytest.mark.parametrize("path", ["/admin/login/", "/own/account/login/"])
def test_it_is_whatever_page_was_used(owner, staff, committed, path):
    for each in (browser(), browser(**STRANGER)):
        committed(log_in, each, staff, path=path)
    assert only_mail().to == [staff.email]


def test_it_is_by_json(owner, user, committed):
    committed(post_json, browser(), "/json-login/", user)
    assert only_mail().to == [user.email]


def test_it_is_on_the_async_stack(owner, user, committed):
    client = AsyncClient()
    typed = {"username": user.email, "password": PASSWORD}
    post = async_to_sync(client.post)
    committed(post, "/async-login/", typed, content_type="application/json")
    assert link_in(only_mail()).startswith("http://testserver/own/account/not-me/?token=")


def test_the_first_device_of_an_account_is_news_to_nobody(owner):
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("joined", "history_days", "mails"), [(400, 31, 1), (400, 29, 0), (30, 31, 0), (400, 0, 0)]
)
def test_an_account_that_nobody_has_used_for_long_is_no_new_one(
    user, committed, monkeypatch, joined, history_days, mails
):
    now = timezone.now()
    since = now - timedelta(days=joined)
    monkeypatch.setattr(get_user_model(), "date_joined", since, raising=False)
    if history_days:
        event_of(make_user("eve"), happened_at=now - timedelta(days=history_days))
    committed(log_in, browser(**STRANGER), user)
    assert len(mail.outbox) == mails


def test_a_browser_that_is_known_is_not_mailed_about(owner, user, committed):
    owner.post("/sign-out/")
    committed(log_in, owner, user)
    assert mail.outbox == []


def test_a_browser_that_was_forgotten_is_mailed_about(owner, user, committed):
    Device.objects.update(revoked_at=NOON)
    LoginEvent.objects.all().delete()
    committed(log_in, owner, user)
    assert only_mail().to == [user.email]


def test_a_log_in_without_a_request_is_not_mailed_about(owner, user, committed):
    client = browser()
    committed(client.force_login, user)
    assert is_in(client)
    assert mail.outbox == []


@pytest.mark.parametrize("name", ["mary@example.com", "nobody@example.com"])
def test_a_wrong_password_is_not_mailed_about(owner, committed, name):
    committed(log_in, browser(**STRANGER), name, password="wrong")
    assert mail.outbox == []


def test_another_accounts_devices_are_no_earlier_ones(owner, committed):
    committed(log_in, browser(**STRANGER), make_user("eve"))
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("BT_SECURITY_HISTORY_MAIL_NEW_DEVICE", event_of),
        ("BT_SECURITY_HISTORY_MAIL_FACTOR_FAILED", failed_factor),
    ],
)
def test_each_mail_can_be_switched_off(alert_site, seasoned, tell, name, make):
    setattr(alert_site, name, False)
    tell(make(seasoned))
    assert mail.outbox == []


@pytest.mark.django_db(transaction=True)
def test_a_log_in_that_is_rolled_back_sends_none(owner, user):
    answer = post_json(browser(**STRANGER), "/undone/", user)
    assert answer.status_code == 500
    assert mail.outbox == []


@pytest.mark.django_db(transaction=True)
def test_a_log_in_without_a_transaction_is_mailed_about(owner, user):
    log_in(browser(**STRANGER), user)
    assert len(mail.outbox) == 1


def test_a_right_password_with_a_wrong_factor_is_mailed_about(user, committed):
    committed(record_factor_failed, request_of(), user, method="totp")
    assert only_mail().subject == (
        "Log-in to your account at testserver stopped at the second step"
    )
    assert "Somebody typed your password, which was right" in only_mail().body


@pytest.mark.django_db(transaction=True)
def test_a_wrong_factor_is_mailed_about_once_an_hour(user, tell):
    moments = [0, 1, 59, 60, 119, 120]
    for minutes in moments:
        tell(failed_factor(user, happened_at=NOON + timedelta(minutes=minutes)))
    assert len(mail.outbox) == 3
    tell(failed_factor(make_user("eve"), happened_at=NOON))
    assert len(mail.outbox) == 4


def test_of_two_failures_at_one_moment_the_first_is_mailed_about(user, tell):
    both = [failed_factor(user, happened_at=NOON) for _ in range(2)]
    for event in reversed(both):
        tell(event)
    assert len(mail.outbox) == 1


def test_some_new_devices_an_hour_are_mailed_about(seasoned, tell):
    most = MAILS_PER_HOUR[NEW_DEVICE]
    for second in range(most + 3):
        tell(event_of(seasoned, happened_at=NOON + timedelta(seconds=second)))
    assert len(mail.outbox) == most == 5
    tell(event_of(seasoned, happened_at=NOON + timedelta(hours=1)))
    tell(failed_factor(seasoned, happened_at=NOON))
    assert len(mail.outbox) == most + 2


def test_known_browsers_and_wrong_passwords_count_for_nothing(seasoned, tell):
    for second in range(9):
        fields = {"happened_at": NOON + timedelta(seconds=second), "is_new_device": False}
        event_of(seasoned, **fields)
        event_of(seasoned, **fields, outcome=LoginOutcome.FAILURE)
    tell(event_of(seasoned, happened_at=NOON + timedelta(minutes=1)))
    tell(failed_factor(seasoned, happened_at=NOON + timedelta(minutes=2)))
    assert len(mail.outbox) == MAILS_PER_HOUR[FACTOR_FAILED] + 1


def test_an_account_without_an_address_gets_none(seasoned, tell):
    get_user_model().objects.update(email="")
    tell(event_of(seasoned))
    assert mail.outbox == []


def test_an_account_that_is_gone_at_the_commit_gets_none(seasoned, tell, caplog):
    event = event_of(seasoned)
    get_user_model().objects.all().delete()
    tell(event)
    assert mail.outbox == []
    assert not caplog.records


def test_what_is_not_worth_a_mail_asks_nothing(user):
    events = [event_of(user, is_new_device=False), event_of(user, outcome=LoginOutcome.FAILURE)]
    events.append(event_of(None))
    with CaptureQueriesContext(connection) as queries:
        for event in events:
            notify(event, request_of())
    assert len(queries) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BT_SECURITY_HISTORY_MAIL_NEW_DEVICE", "yes"),
        ("BT_SECURITY_TOKENS_LIFETIME_SECONDS", {"login_alert": 1}),
    ],
)
def test_a_setting_that_is_refused_stops_no_log_in(alert_site, owner, user, committed, name, value):
    setattr(alert_site, name, value)
    client = browser(**STRANGER)
    committed(log_in, client, user)
    assert is_in(client)
    assert mail.outbox == []


def test_a_database_that_fails_stops_nothing_and_is_logged_without_its_words(
    seasoned, tell, caplog
):
    def fail(execute, sql, params, many, context):
        if "bt_security_device" in sql:
            raise OperationalError("canary")
        return execute(sql, params, many, context)

    event = event_of(seasoned)
    with connection.execute_wrapper(fail):
        tell(event)
    assert mail.outbox == []
    (record,) = caplog.records
    assert record.getMessage() == f"No mail was sent of the log-in {event.uid} (OperationalError)."
    assert record.exc_info is None


def test_a_user_model_with_a_fault_stops_no_log_in(owner, user, committed, monkeypatch, caplog):
    def locale(account):
        raise ZeroDivisionError("canary")

    monkeypatch.setattr(get_user_model(), "locale", property(locale), raising=False)
    client = browser(**STRANGER)
    committed(log_in, client, user)
    assert is_in(client)
    assert mail.outbox == []
    assert "(ZeroDivisionError)" in caplog.text
    assert "canary" not in caplog.text
