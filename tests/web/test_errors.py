"""Errors of a view become codes, and nothing of their cause is told."""

from __future__ import annotations

import logging

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import got_request_exception
from django.test import Client

from bt_security import web
from bt_security.web import codes
from tests.testapp.models import Account
from tests.web.site import CANARY

pytestmark = [pytest.mark.once, pytest.mark.django_db]

BOTH_WAYS = pytest.mark.parametrize("start", ["/api/", "/api/later/"], ids=["sync", "async"])
ANSWERS = [
    ("api", 409, "CONFLICT"),
    ("gone", 404, "NOT_FOUND"),
    ("denied", 403, "FORBIDDEN"),
    ("suspicious", 400, "BAD_REQUEST"),
    ("fields", 400, "VALIDATION_FAILED"),
    ("whole", 400, "VALIDATION_FAILED"),
    ("away", 503, "STORE_UNAVAILABLE"),
    ("fault", 500, "SERVER_ERROR"),
]


@pytest.mark.feature("BD-16")
@BOTH_WAYS
@pytest.mark.parametrize(("kind", "status", "code"), ANSWERS)
def test_an_error_is_answered_by_its_code_and_not_by_its_text(client, start, kind, status, code):
    """The text of an internal error is in no answer of the API, which has a code instead."""
    answer = client.get(f"{start}fail/{kind}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "no-store"
    assert CANARY not in answer.text


def test_an_api_error_brings_its_headers(client):
    assert client.get("/api/fail/api")["X-Why"] == "taken"


def test_a_store_that_is_away_says_when_to_come_back(client):
    assert client.get("/api/fail/away")["Retry-After"] == "5"


@pytest.mark.parametrize(
    ("kind", "fields"),
    [("fields", {"name": ["Too loud."]}), ("whole", {"__all__": ["Not together."]})],
)
def test_a_validation_error_names_its_fields(client, kind, fields):
    assert client.get(f"/api/fail/{kind}").json()["fields"] == fields


@BOTH_WAYS
def test_a_fault_is_logged_once_and_signalled(client, caplog, start):
    seen = []

    def note(sender, request, **rest):
        seen.append(request.path)

    got_request_exception.connect(note)
    with caplog.at_level(logging.ERROR, "django.request"):
        client.get(f"{start}fail/fault")
    got_request_exception.disconnect(note)
    assert seen == [f"{start}fail/fault"]
    (record,) = [record for record in caplog.records if record.name == "django.request"]
    assert CANARY in str(record.exc_info[1])


@BOTH_WAYS
@pytest.mark.usefixtures("_site")
def test_a_fault_reaches_the_site_that_asks_for_it(settings, start):
    settings.DEBUG_PROPAGATE_EXCEPTIONS = True
    with pytest.raises(RuntimeError, match=CANARY):
        Client().get(f"{start}fail/fault")


@BOTH_WAYS
def test_a_developer_sees_the_traceback(client, settings, start):
    settings.DEBUG = True
    assert CANARY in client.get(f"{start}fail/fault").text


@pytest.mark.parametrize("kind", ["fault", "api"])
def test_a_request_in_one_transaction_is_undone_by_an_error(client, settings, kind):
    """As it would be, had the error gone on its way to Django."""
    from django.db import connection  # noqa: PLC0415

    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        client.post(f"/api/write/{kind}")
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
    assert not Account.objects.filter(email="half-done").exists()


def test_without_such_a_transaction_the_view_decides_what_stays(client):
    client.post("/api/write/api")
    assert Account.objects.filter(email="half-done").exists()


def test_a_code_has_one_meaning():
    with pytest.raises(ImproperlyConfigured, match="twice"):
        web.define_error("CONFLICT", 400, "Something else.")


def test_a_feature_adds_its_own_code(monkeypatch):
    monkeypatch.setattr(codes, "_CODES", codes.error_codes())
    assert web.define_error("TEST_ONLY", 409, "Only here.") == "TEST_ONLY"
    assert web.define_error("TEST_ONLY", 409, "Only here.") == "TEST_ONLY"


def test_an_endpoint_names_only_codes_that_exist():
    with pytest.raises(ImproperlyConfigured, match="NO_SUCH_CODE"):
        web.endpoint("GET", summary="", errors=("NO_SUCH_CODE",))(lambda request: None)
