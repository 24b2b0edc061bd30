"""Reports of the content security policy are counted, and hold nothing personal."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import async_to_sync
from django.db import DatabaseError, connection
from django.test import Client
from django.urls import set_urlconf
from django.utils import timezone

from bt_security.checks.headers import check_report_place
from bt_security.headers import reports
from bt_security.headers.plan import report_place
from bt_security.headers.views import csp_report
from bt_security.headers.violations import UNKNOWN, MalformedReport, read_violations
from bt_security.models import CspReport
from bt_security.models.csp_report import OTHERS, Violation

OLD, NEW = "application/csp-report", "application/reports+json"
PLACE = "/security/csp-report"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _frozen(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def old_report(**changed):
    report = {
        "document-uri": "https://testserver/page?name=secret",
        "violated-directive": "script-src-elem 'self'",
        "effective-directive": "script-src-elem",
        "blocked-uri": "https://evil.example:8443/x.js?token=secret",
        "disposition": "enforce",
        **changed,
    }
    return json.dumps({"csp-report": report})


def new_entry(**changed):
    body = {
        "documentURL": "https://testserver/page?name=secret",
        "effectiveDirective": "img-src",
        "blockedURL": "inline",
        "disposition": "report",
        **changed,
    }
    return {"type": "csp-violation", "age": 10, "url": "https://testserver/page", "body": body}


def sent(client, body, kind=OLD, **headers):
    return client.post(PLACE, body, content_type=kind, **headers)


@pytest.mark.once
@pytest.mark.parametrize("kind", ["text/plain", "application/json", ""])
def test_another_type_is_refused(visitor, kind):
    assert sent(visitor, old_report(), kind).status_code == 415


@pytest.mark.once
@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "options"])
def test_another_method_is_refused(visitor, method):
    response = getattr(visitor, method)(PLACE)
    assert (response.status_code, response["Allow"]) == (405, "POST")


@pytest.mark.once
@pytest.mark.parametrize("kind", [OLD, NEW])
def test_a_large_body_is_refused(visitor, kind):
    assert sent(visitor, " " * (64 * 1024 + 1), kind).status_code == 413


@pytest.mark.once
def test_twenty_reports_with_long_addresses_are_one_body(visitor):
    page = f"https://testserver/page?{'x' * 1500}"
    body = json.dumps([new_entry(documentURL=page, sample="y" * 40)] * 20)
    assert sent(visitor, body, NEW).status_code == 204
    assert CspReport.objects.get().count == 20


@pytest.mark.once
def test_the_place_of_reports_is_that_of_the_site_whatever_a_request_has(site):
    site.BT_SECURITY_HEADERS_COLLECT_CSP_REPORTS = True
    set_urlconf("tests.urls")  # as Django does for a request with a `urlconf` of its own
    try:
        assert report_place() == PLACE
        assert check_report_place() == []
    finally:
        set_urlconf(None)


@pytest.mark.once
@pytest.mark.parametrize(
    "body",
    [" ", "{", "null", "3", "[]", '"x"', "{}", '{"csp-report": []}', "[" * 8000, b"\xff\xfe\x00"],
)
def test_a_malformed_body_is_refused(visitor, body):
    assert sent(visitor, body).status_code == 400
    assert not CspReport.objects.exists()


@pytest.mark.once
@pytest.mark.parametrize("body", [" ", "{}", "null", "[3]", '[{"type": "csp-violation"}]', "[[]]"])
def test_a_malformed_list_is_refused(visitor, body):
    assert sent(visitor, body, NEW).status_code == 400


@pytest.mark.once
@pytest.mark.parametrize("directive", [None, 3, "", "x" * 300, "no-such-src", ["img-src"]])
def test_a_directive_that_does_not_exist_is_not_counted(visitor, directive):
    body = old_report(**{"effective-directive": directive, "violated-directive": directive})
    assert sent(visitor, body).status_code == 204
    assert not CspReport.objects.exists()


@pytest.mark.once
def test_a_report_of_another_kind_is_not_counted(visitor):
    body = json.dumps([{"type": "deprecation", "body": {"id": "x"}}])
    assert sent(visitor, body, NEW).status_code == 204
    assert not CspReport.objects.exists()


@pytest.mark.once
def test_a_report_needs_neither_token_nor_session(site):
    visitor = Client(enforce_csrf_checks=True)
    assert sent(visitor, old_report()).status_code == 204


def test_a_report_is_counted(visitor):
    assert sent(visitor, old_report()).status_code == 204
    assert sent(visitor, old_report()).status_code == 204
    row = CspReport.objects.get()
    assert (row.day, row.directive, row.count) == (NOW.date(), "script-src-elem", 2)
    assert (row.blocked, row.disposition) == ("https://evil.example:8443", "enforce")
    assert (row.page, str(row)) == (
        "/page",
        "2026-03-01 script-src-elem https://evil.example:8443: 2",
    )


def test_reports_of_one_body_are_counted_one_by_one(visitor):
    entries = [new_entry(), new_entry(), new_entry(disposition="enforce")]
    assert sent(visitor, json.dumps(entries), NEW).status_code == 204
    counts = CspReport.objects.order_by("disposition").values_list("disposition", "count")
    assert list(counts) == [("enforce", 1), ("report", 2)]


@pytest.mark.once
def test_reports_past_the_twentieth_are_left_out():
    body = json.dumps([new_entry(disposition="enforce")] * 21).encode()
    assert len(read_violations(body, NEW)) == 20


@pytest.mark.once
def test_an_older_browser_names_the_directive_with_its_value(visitor):
    sent(visitor, old_report(**{"effective-directive": None}))
    assert CspReport.objects.get().directive == "script-src-elem"


@pytest.mark.once
def test_no_address_and_no_token_is_stored(visitor):
    sent(
        visitor, old_report(**{"document-uri": "https://testserver/secret/s3cr3t/?q=s3cr3t#s3cr3t"})
    )
    row = CspReport.objects.values().get()
    assert row["page"] == "/secret/<str:token>/"
    assert "s3cr3t" not in str(row)


@pytest.mark.once
@pytest.mark.parametrize(
    ("blocked", "stored"),
    [
        ("inline", "inline"),
        ("eval", "eval"),
        ("data", "data"),
        ("data:text/html;base64,c2VjcmV0", "data"),
        ("blob:https://testserver/0b9a", "blob"),
        ("https://EVIL.example/a?b#c", "https://evil.example"),
        ("https://name:word@evil.example/", "https://evil.example"),
        ("wss://evil.example:9000/", "wss://evil.example:9000"),
        ("http://[2001:db8::1]:8080/x", "http://[2001:db8::1]:8080"),
        ("http://[2001:db8::1", UNKNOWN),
        ("https://evil.example:port/", UNKNOWN),
        ("https://" + "a" * 300, UNKNOWN),
        ("https://évil.example/", UNKNOWN),
        ("anything else", UNKNOWN),
        ("", UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_only_the_origin_of_what_was_blocked_is_kept(blocked, stored):
    (violation,) = read_violations(old_report(**{"blocked-uri": blocked}).encode(), OLD)
    assert violation.blocked == stored


@pytest.mark.once
@pytest.mark.parametrize("url", ["https://testserver/nowhere", "http://[", "about", None, ""])
def test_a_page_that_does_not_exist_is_unknown(site, url):
    (violation,) = read_violations(old_report(**{"document-uri": url}).encode(), OLD)
    assert violation.page == UNKNOWN


@pytest.mark.once
def test_a_malformed_report_shows_nothing_of_itself():
    with pytest.raises(MalformedReport) as caught:
        read_violations(b"s3cr3t", OLD)
    assert "s3cr3t" not in repr(caught.value)


def test_rows_of_a_day_are_bounded(visitor, site):
    site.BT_SECURITY_HEADERS_CSP_REPORT_ROWS_PER_DAY = 10
    for number in range(12):
        sent(visitor, old_report(**{"blocked-uri": f"https://host{number}.example/"}))
    sent(visitor, old_report(**{"blocked-uri": "https://host0.example/"}))
    assert CspReport.objects.count() == 10
    assert CspReport.objects.get(blocked=OTHERS).count == 3
    assert CspReport.objects.get(blocked="https://host0.example").count == 2


def test_old_rows_go_with_the_first_report_of_a_day(visitor, site):
    site.BT_SECURITY_HEADERS_CSP_REPORT_KEPT_DAYS = 2
    shared = {"directive": "img-src", "blocked": "inline", "page": "/page", "count": 1}
    for days in (1, 2, 3):
        day = NOW.date() - timedelta(days=days)
        CspReport.objects.create(day=day, disposition="enforce", **shared)
    sent(visitor, old_report())
    kept = CspReport.objects.order_by("day").values_list("day", flat=True)
    assert [(NOW.date() - day).days for day in kept] == [2, 1, 0]


@pytest.mark.once
def test_a_database_that_refuses_costs_the_count_only(visitor, caplog):
    def refuse(execute, sql, params, many, context):
        raise DatabaseError("the disk is full")

    with connection.execute_wrapper(refuse):
        assert sent(visitor, old_report()).status_code == 204
    assert "could not be counted" in caplog.text


def test_a_row_that_another_process_makes_first_is_counted_on(visitor):
    sent(visitor, old_report(**{"blocked-uri": "inline"}))  # not the first row of the day
    kind = Violation("script-src-elem", "https://evil.example:8443", "/page", "enforce")

    def come_first(execute, sql, params, many, context):
        if "COUNT" in sql:
            CspReport.objects.create(day=NOW.date(), count=5, **kind._asdict())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(come_first):
        sent(visitor, old_report())
    assert CspReport.objects.get(blocked=kind.blocked).count == 6


@pytest.mark.once
def test_a_body_that_breaks_off_is_refused(rf, site):
    request = rf.post(PLACE, old_report(), content_type=OLD)
    request._stream = BrokenStream()
    assert csp_report(request).status_code == 400


class BrokenStream:
    def read(self, *_):
        raise OSError("the client went away")


@pytest.mark.once
def test_an_asgi_site_counts_reports(async_visitor):
    response = async_to_sync(async_visitor.post)(PLACE, old_report(), content_type=OLD)
    assert response.status_code == 204
    assert CspReport.objects.get().count == 1


@pytest.mark.once
def test_too_many_reports_are_refused(visitor, site):
    site.BT_SECURITY_FEATURES = ["headers", "ratelimit"]
    site.BT_SECURITY_RATELIMIT_OPERATIONS = {"csp_report": "2/1m:ip"}
    assert [sent(visitor, old_report()).status_code for _ in range(3)] == [204, 204, 429]
    assert CspReport.objects.get().count == 2


@pytest.mark.django_db(transaction=True)
def test_reports_that_come_at_once_are_all_counted():
    kinds = [
        Violation("img-src", f"https://{number}.example", "/", "enforce") for number in range(3)
    ]
    start = threading.Barrier(4)

    def work():
        start.wait()
        for _ in range(5):
            reports.count_violations(kinds)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(CspReport.objects.values_list("count", flat=True)) == [20] * 3
