"""What Django mails or logs about a fault holds nothing of what the client sent as a secret."""

from __future__ import annotations

import sys

import pytest
from django.core.signals import got_request_exception
from django.test import Client
from django.views.debug import ExceptionReporter

from bt_security.web import admission

pytestmark = [pytest.mark.once, pytest.mark.django_db]

BOTH_WAYS = pytest.mark.parametrize("start", ["/api/", "/api/later/"], ids=["sync", "async"])
SECRET = "canary-" + "9b1f0c77aa"


@pytest.fixture
def reported(settings):
    """Return `post(...)`, which gives the report of the one fault of a request."""
    settings.ROOT_URLCONF = "tests.web.failing_site"
    reports = []

    def write(sender, request, **rest):
        reporter = ExceptionReporter(request, *sys.exc_info())
        reports.append(reporter.get_traceback_html() + reporter.get_traceback_text())

    def post(*args, **kwargs):
        Client(raise_request_exception=False).post(*args, **kwargs)
        (report,) = reports
        return report

    got_request_exception.connect(write)
    yield post
    got_request_exception.disconnect(write)


@pytest.fixture
def _faulty_judge(monkeypatch):
    monkeypatch.setattr(admission, "_judges", [])

    def judge(request, token, scope):
        raise RuntimeError("a fault of the judge")

    admission.accept_tokens(judge)


@BOTH_WAYS
@pytest.mark.usefixtures("_faulty_judge")
def test_a_fault_while_a_token_is_judged_does_not_report_it(reported, start):
    report = reported(f"{start}view", headers={"Authorization": f"Bearer {SECRET}"})
    assert "a fault of the judge" in report
    assert SECRET not in report


@BOTH_WAYS
def test_a_fault_of_a_form_does_not_report_a_json_body(reported, start):
    body = {"name": "ann", "password": SECRET}
    report = reported(f"{start}form", body, content_type="application/json")
    assert "a fault of the form" in report
    assert SECRET not in report


@BOTH_WAYS
def test_a_fault_of_a_form_does_not_report_a_form_encoded_body(reported, start):
    report = reported(f"{start}form", {"name": "ann", "password": SECRET})
    assert "a fault of the form" in report
    assert SECRET not in report


@BOTH_WAYS
@pytest.mark.usefixtures("_kind_judge")
def test_a_fault_of_an_endpoint_does_not_report_a_form_encoded_body(reported, start):
    headers = {"Authorization": "Bearer known"}
    report = reported(f"{start}view", {"password": SECRET}, headers=headers)
    assert "a fault of the endpoint" in report
    assert SECRET not in report


@pytest.fixture
def _kind_judge(monkeypatch, user):
    monkeypatch.setattr(admission, "_judges", [lambda request, token, scope: user])
