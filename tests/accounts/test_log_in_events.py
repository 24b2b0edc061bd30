"""What the login history has of log-ins by the package's own page and by JSON."""

from __future__ import annotations

import re

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.signals import user_login_failed
from django.core.signals import request_finished
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext

from bt_security import sessions
from bt_security.devices import receivers as device_receivers
from bt_security.history import receivers
from bt_security.models import LoginEvent
from tests.testapp.models import Account

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("history")]

PAGE = "/security/account/login/"
API = "/security/api/auth/login"
GOOD = "the right password"
WAYS = pytest.mark.parametrize("path", [PAGE, API])
STACKS = pytest.mark.parametrize("kind", [Client, AsyncClient])


@pytest.fixture
def history(log_in_site):
    log_in_site.BT_SECURITY_FEATURES = [*log_in_site.BT_SECURITY_FEATURES, "history"]
    signals = (user_login_failed, request_finished)
    before = [list(signal.receivers) for signal in signals]
    device_receivers.connect()
    receivers.connect()
    yield
    for signal, connected in zip(signals, before, strict=True):
        signal.receivers[:] = connected
        signal.sender_receivers_cache.clear()


def log_in(client, path, name="ann@example.com", password=GOOD):
    post = async_to_sync(client.post) if isinstance(client, AsyncClient) else client.post
    return post(path, {"username": name, "password": password})


def only_event():
    return LoginEvent.objects.get()


@WAYS
@STACKS
def test_a_log_in_is_one_event_with_session_and_device(ann, path, kind):
    client = kind()
    log_in(client, path)
    event = only_event()
    assert (event.user, event.outcome, event.method) == (ann, "success", "password")
    (session,) = sessions.for_user(ann)
    assert event.session_uuid == session.id
    assert event.device is not None
    assert event.is_new_device
    assert event.ip_address == "127.0.0.1"


@WAYS
def test_the_second_log_in_of_a_browser_is_no_new_one(ann, path):
    client = Client()
    log_in(client, path)
    client.post("/security/account/logout/")
    log_in(client, path)
    assert list(LoginEvent.objects.order_by("pk").values_list("is_new_device", flat=True)) == [
        True,
        False,
    ]


@WAYS
@STACKS
def test_a_wrong_password_is_one_event_of_the_account(ann, path, kind):
    log_in(kind(), path, password="wrong")
    event = only_event()
    assert (event.user, event.outcome, event.name_digest) == (ann, "failure", "")


@WAYS
def test_an_account_that_is_not_active_has_one_event(ann, path, settings):
    Account.objects.filter(pk=ann.pk).update(is_active=False)
    log_in(Client(), path)
    assert (only_event().user, only_event().outcome) == (ann, "failure")


def test_so_has_one_that_only_the_log_in_by_json_refuses(ann, settings):
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.AllowAllUsersModelBackend"]
    Account.objects.filter(pk=ann.pk).update(is_active=False)
    log_in(Client(), API)
    assert (only_event().user, only_event().outcome) == (ann, "failure")


@WAYS
def test_a_name_that_nobody_has_is_a_digest(path):
    log_in(Client(), path, "nobody@example.com")
    event = only_event()
    assert (event.user, event.outcome) == (None, "failure")
    assert event.name_digest
    assert "nobody" not in event.name_digest


@WAYS
def test_refusals_cost_the_same_kinds_of_queries(ann, path):
    log_in(Client(), path, password="wrong")  # keys are made at first use
    log_in(Client(), path, "nobody@example.com")
    assert kinds_of_queries(path, "ann@example.com") == kinds_of_queries(path, "nobo@example.com")


def kinds_of_queries(path, name):
    with CaptureQueriesContext(connection) as found:
        log_in(Client(), path, name, "wrong")
    return [re.sub(r"'[^']*'|\d+|NULL", "?", query["sql"]) for query in found]
