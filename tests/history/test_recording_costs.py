"""What an event costs: one INSERT, a device at most, and nothing that grows."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from django import VERSION
from django.contrib.auth.signals import user_logged_in
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from bt_security.conf import conf
from bt_security.fields import EncryptedFieldMixin
from bt_security.models import Device, LoginEvent
from tests.history.conftest import FIREFOX, browser, log_in

pytestmark = pytest.mark.usefixtures("history_on")


@contextmanager
def counted():
    """The queries of a block that concern events and devices, each as verb and table."""
    found = []
    with CaptureQueriesContext(connection) as captured:
        yield found
    found += [
        (each["sql"].split()[0], table)
        for each in captured
        for table in ("bt_security_login_event", "bt_security_device")
        if table in each["sql"]
    ]


def writes(found, table):
    return [verb for verb, name in found if name == table and verb != "SELECT"]


@pytest.mark.parametrize("is_known", [False, True])
def test_a_log_in_writes_one_event_and_one_device(user, is_known):
    """A log-in writes exactly one event, and inserts or updates one device at most."""
    client = browser()
    if is_known:
        log_in(client, user)
    with counted() as found:
        log_in(client, user)
    assert [verb for verb, table in found if table.endswith("event")] == ["INSERT"]
    assert writes(found, "bt_security_device") == ["UPDATE" if is_known else "INSERT"]


def test_a_refused_log_in_writes_one_event_and_asks_for_no_device(user):
    with counted() as found:
        log_in(browser(), user, "wrong")
    assert found == [("INSERT", "bt_security_login_event")]


def test_outside_a_transaction_no_savepoint_is_made(transactional_db, user):
    request = RequestFactory().post("/", HTTP_USER_AGENT=FIREFOX)
    request.method = None  # so that no device is remembered
    with CaptureQueriesContext(connection) as captured:
        user_logged_in.send(type(user), request=request, user=user)
    verbs = [each["sql"].split()[0] for each in captured if "last_login" not in each["sql"]]
    assert verbs == ["INSERT"]


def test_no_sealed_column_is_sealed_more_often_than_django_asks(user, monkeypatch):
    sealed = []
    seal = EncryptedFieldMixin.seal

    def counting(field, value, **options):
        if field.model is LoginEvent:
            sealed.append(field.name)
        return seal(field, value, **options)

    monkeypatch.setattr(EncryptedFieldMixin, "seal", counting)
    log_in(browser(), user)
    # Django 6.0 and later ask a field twice for what an INSERT stores.
    times = 1 if VERSION < (6, 0) else 2
    assert sorted(sealed) == ["ip_address"] * times + ["user_agent"] * times


def test_a_cost_does_not_grow_with_the_history(user):
    client = browser()
    log_in(client, user)
    with counted() as few:
        log_in(client, user)
    event = LoginEvent.objects.first()
    LoginEvent.objects.bulk_create(
        LoginEvent(user=user, outcome=event.outcome, happened_at=event.happened_at)
        for _ in range(300)
    )
    with counted() as many:
        log_in(client, user)
    assert many == few


def test_devices_beyond_the_limit_are_forgotten_and_their_events_stay(user, settings):
    settings.BT_SECURITY_DEVICES_MAX_PER_USER = 1
    assert conf.devices.max_per_user == 1
    for _ in range(2):
        log_in(browser(), user)
    assert Device.objects.count() == 1
    assert LoginEvent.objects.filter(device=None).count() == 1
