"""Each log-in is one event, whichever view it came through."""

from __future__ import annotations

import pytest
from django.test import Client

from bt_security.history.names import name_digest
from bt_security.models import Device, LoginOutcome
from tests.history.conftest import browser, log_in, only_event

pytestmark = pytest.mark.usefixtures("history_on")


def post_json(client, path, user, password="Correct-horse-7"):
    body = {"username": getattr(user, "email", user), "password": password}
    return client.post(path, body, content_type="application/json")


@pytest.mark.parametrize("path", ["/login/", "/admin/login/"])
def test_a_log_in_by_a_form_is_recorded(staff, path):
    log_in(browser(), staff, path=path)
    event = only_event()
    assert (event.user, event.outcome, event.method) == (staff, LoginOutcome.SUCCESS, "password")
    assert event.ip_address == "192.0.2.7"
    assert event.device == Device.objects.get()
    assert (event.device_label, event.is_new_device) == ("Firefox on Linux", True)
    assert event.name_digest == ""


@pytest.mark.parametrize("path", ["/json-login/", "/async-login/"])
def test_a_log_in_by_json_is_recorded(user, path):
    assert post_json(browser(), path, user).status_code == 200
    assert only_event().outcome == LoginOutcome.SUCCESS


def test_a_forced_log_in_is_recorded(user):
    Client().force_login(user)
    event = only_event()
    assert (event.user, event.method, event.device) == (user, "forced", None)
    assert event.ip_address is None


def test_a_wrong_password_is_recorded(user):
    log_in(browser(), user, "wrong")
    event = only_event()
    assert (event.user, event.outcome) == (user, LoginOutcome.FAILURE)
    assert event.name_digest == ""


def test_an_unknown_name_is_a_digest(db):
    log_in(browser(), "Nobody@example.com")
    event = only_event()
    assert (event.user, event.outcome) == (None, LoginOutcome.FAILURE)
    assert event.name_digest == name_digest("nobody@example.com ")
