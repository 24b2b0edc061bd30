"""The own log-ins for download: whole, safe for spreadsheets, recorded, and never in memory."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient
from jsonschema import Draft202012Validator

from bt_security.history import export
from bt_security.history.export import CSV_COLUMNS, EXPORT_SCHEMA
from bt_security.history.listing import Filters
from bt_security.models import LoginEvent, LoginOutcome
from bt_security.testing import fixed_key
from bt_security.web.spreadsheets import FORMULA_STARTS, csv_lines, safe_cell
from tests.audit._reading_rows import empty_log, unwritable_log
from tests.audit.conftest import audit_on, log
from tests.history.conftest import make_user
from tests.history.reading import (
    AGENT,
    CITY,
    EXPORT,
    FEATURES,
    IP,
    MINUTE,
    NOW,
    browser,
    full,
    mary,
    several,
    site,
    spoil,
    stored,
    uids,
)

__all__ = ["audit_on", "empty_log", "log", "mary", "site", "unwritable_log"]

pytestmark = [pytest.mark.once, pytest.mark.django_db]


def body(answer):
    assert answer.status_code == 200, answer.content
    assert answer.streaming
    return b"".join(answer.streaming_content).decode()


def as_json(client, **asked):
    found = json.loads(body(client.get(EXPORT, {"format": "json", **asked})))
    Draft202012Validator(EXPORT_SCHEMA).validate(found)
    return found["events"]


def as_csv(client, **asked):
    text = body(client.get(EXPORT, {"format": "csv", **asked}))
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_all_that_is_stored_of_a_log_in_is_exported(mary):
    event = full(mary)
    (found,) = as_json(browser(mary))
    (row,) = as_csv(browser(mary))
    assert found["id"] == row["id"] == str(event.uid)
    assert found["ip_address"] == row["ip_address"] == IP
    assert found["user_agent"] == row["user_agent"] == AGENT
    assert found["location"]["city"] == row["location_city"] == CITY
    assert found["location"]["point"] == row["location_point"] == "1.000,2.000"
    assert found["travel"] == {"km": int(row["travel_km"]), "kmh": int(row["travel_kmh"])}
    assert found["disowned_at"] == row["disowned_at"] == row["happened_at"]
    assert found["device"]["id"] == row["device_id"] == str(event.device.uuid)
    assert (row["device_label"], row["device_is_new"]) == ("Firefox on Linux", "yes")


def test_what_is_not_stored_is_an_empty_cell(mary):
    stored(mary, outcome=LoginOutcome.FAILURE)
    (row,) = as_csv(browser(mary))
    assert list(row) == list(CSV_COLUMNS)
    named = {name: value for name, value in row.items() if value}
    assert named.keys() == {"id", "happened_at", "outcome", "method", "device_is_new"}


@pytest.mark.parametrize("read", [as_json, as_csv])
def test_an_export_has_the_events_of_its_user_alone(mary, read):
    full(make_user("bob"))
    own = uids(several(mary, 2))
    assert [event["id"] for event in read(browser(mary))] == own


@pytest.mark.parametrize("read", [as_json, as_csv])
def test_an_empty_history_is_exported(mary, read):
    assert read(browser(mary)) == []


@pytest.mark.parametrize("read", [as_json, as_csv])
@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_chunks_leave_nothing_out(mary, read, count, monkeypatch):
    monkeypatch.setattr(export, "CHUNK_EVENTS", 2)
    own = [stored(mary) for _ in range(count)]
    assert [event["id"] for event in read(browser(mary))] == uids(reversed(own))


def test_what_happens_meanwhile_is_left_out(mary, monkeypatch):
    monkeypatch.setattr(export, "CHUNK_EVENTS", 2)
    own = uids(several(mary, 4))
    parts = export.json_parts(mary.pk, Filters())
    begun = [next(parts), next(parts)]
    stored(mary, NOW + MINUTE)
    found = json.loads("".join([*begun, *parts]))["events"]
    assert [event["id"] for event in found] == own


def test_filters_are_those_of_the_list(mary):
    event = stored(mary, outcome=LoginOutcome.FAILURE)
    stored(mary, NOW - MINUTE)
    asked = {"outcome": "failure", "since": "2026-03-01"}
    assert [found["id"] for found in as_json(browser(mary), **asked)] == [str(event.uid)]


@pytest.mark.parametrize("asked", [{"format": "xml"}, {"cursor": "x"}, {"outcome": "won"}])
def test_what_makes_no_sense_is_refused_by_name(mary, asked):
    answer = browser(mary).get(EXPORT, asked)
    assert (answer.status_code, list(answer.json()["fields"])) == (400, list(asked))


def test_json_is_the_format_that_needs_no_word(mary):
    answer = browser(mary).get(EXPORT)
    assert answer["Content-Type"] == "application/json"
    assert json.loads(body(answer))["events"] == []


def test_a_browser_stores_it_as_a_file_and_nobody_else_does(mary):
    answer = browser(mary).get(EXPORT, {"format": "csv"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    start, end = answer["Content-Disposition"].split("login-history-")
    assert (start, end[-5:]) == ('attachment; filename="', '.csv"')
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_the_head_of_an_export_has_no_body(mary):
    full(mary)
    answer = browser(mary).head(EXPORT)
    assert (answer.status_code, b"".join(answer.streaming_content)) == (200, b"")


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_a_cell_is_never_a_formula(mary, start):
    stored(mary, user_agent=f"{start}HYPERLINK(1)", device_label=f"{start}1")
    (row,) = as_csv(browser(mary))
    assert row["user_agent"] == f"'{start}HYPERLINK(1)"
    assert row["device_label"] == f"'{start}1"


def test_a_cell_that_is_no_formula_stays_as_it_is():
    assert [safe_cell(text) for text in ("", "a=b", "7", " =1")] == ["", "a=b", "7", " =1"]


@pytest.mark.parametrize(
    ("sent", "cell"),
    [
        ("X;=HYPERLINK(1)", "X;'=HYPERLINK(1)"),
        ('X; "@SUM(1)', "X; \"'@SUM(1)"),
        ("X;-1;+1", "X;'-1;'+1"),
        (";=1", ";'=1"),
    ],
)
def test_nor_is_a_part_of_one_where_semicolons_divide_cells(mary, sent, cell):
    stored(mary, user_agent=sent)
    (row,) = as_csv(browser(mary))
    assert row["user_agent"] == cell


def test_cells_with_quotes_and_line_breaks_stay_one_cell():
    text = "".join(csv_lines(["a", "b"], [["x\r\ny", 'say "1", please']]))
    _head, row = csv.reader(io.StringIO(text, newline=""))
    assert row == ["x\r\ny", 'say "1", please']


def test_what_does_not_open_is_named(mary):
    spoil(full(mary), "ip_address", "location_isp")
    (row,) = as_csv(browser(mary))
    assert (row["ip_address"], row["location_isp"]) == ("", "")
    assert row["unreadable"] == "ip_address location_isp"


def test_an_export_is_recorded_without_what_it_says(mary, log, site):
    site.BT_SECURITY_FEATURES = [*FEATURES, "audit"]
    full(mary)
    client = browser(mary)
    body(client.get(EXPORT, {"format": "csv", "ip_address": IP}))
    entry = log.only(action="history.exported")
    assert (entry.actor_id, entry.target_id) == (str(mary.pk), str(mary.pk))
    assert entry.body == {"filters": ["ip_address"], "format": "csv"}


def test_what_cannot_be_recorded_is_not_exported(mary, site, unwritable_log):
    client = browser(mary)
    site.BT_SECURITY_FEATURES = [*FEATURES, "audit"]
    full(mary)
    client.raise_request_exception = False
    answer = client.get(EXPORT)
    assert (answer.status_code, answer.json()["code"]) == (500, "SERVER_ERROR")


def test_exports_are_limited(mary, site):
    site.BT_SECURITY_RATELIMIT_OPERATIONS = {"export": "1/15m:ip"}
    client = browser(mary)
    assert client.get(EXPORT).status_code == 200
    answer = client.get(EXPORT)
    assert (answer.status_code, answer.json()["code"]) == (429, "RATE_LIMITED")


@pytest.mark.parametrize("format", ["json", "csv"])
def test_it_is_streamed_under_asgi(mary, format, monkeypatch):
    monkeypatch.setattr(export, "CHUNK_EVENTS", 2)
    own = uids(several(mary, 5))
    client = AsyncClient()

    async def read():
        await client.aforce_login(mary)
        answer = await client.get(EXPORT, {"format": format, "until": "2026-06-01"})
        assert answer.is_async
        return [part.decode() async for part in answer.streaming_content]

    parts = async_to_sync(read)()
    assert len(parts) >= 3
    assert [uid for uid in own if uid in "".join(parts)] == own


def peak_bytes(mary, count):
    """The most memory that an export of so many events takes."""
    LoginEvent.objects.all().delete()
    LoginEvent.objects.bulk_create(
        LoginEvent(user=mary, outcome="success", happened_at=NOW - n * MINUTE, user_agent=AGENT)
        for n in range(count)
    )
    tracemalloc.start()
    try:
        lines = sum(part.count("\n") for part in export.csv_parts(mary.pk, Filters()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert lines == count + 1
    return peak


def test_memory_does_not_grow_with_the_history(mary, monkeypatch):
    monkeypatch.setattr(export, "CHUNK_EVENTS", 50)
    with fixed_key():
        peak_bytes(mary, 100)
        assert peak_bytes(mary, 1_200) < 1.3 * peak_bytes(mary, 150)
