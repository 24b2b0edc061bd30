"""Pages of entries: filters, cursors, the period that is looked through, and the entry's seal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bt_security.audit import record
from bt_security.audit.reading.listing import Filters, read_page, record_reading, seal_of
from bt_security.audit.reading.moments import parse_moment
from bt_security.audit.tags import address_tag
from bt_security.models import ActorKind, AuditEntry, AuditSeal, Outcome
from tests.audit._reading_rows import START, empty_log, made_entry, made_seal

__all__ = ["empty_log"]
pytestmark = pytest.mark.django_db

ALL = {"since": START - timedelta(days=1)}


def found(**asked):
    parts = Filters(**asked).within_period().entries()
    return [entry_id for part in parts for entry_id in sorted(part.values_list("id", flat=True))]


def pages(**place):
    page = read_page([AuditEntry.objects.all()], limit=3, **place)
    return [entry.pk for entry in page.entries], page.older, page.newer


@pytest.fixture
def ten(empty_log):
    for entry_id in range(1, 11):
        made_entry(entry_id)


@pytest.mark.parametrize("offset", ["+23:59", "-23:59", "+00:00"])
def test_a_time_has_no_offset_that_a_database_would_refuse(offset):
    moment = parse_moment(f"2026-01-01T00:00{offset}")
    assert moment == datetime.fromisoformat(f"2026-01-01T00:00{offset}")
    assert moment.utcoffset() == timedelta(0)


def test_an_empty_log_is_an_empty_page(empty_log):
    assert pages() == ([], None, None)
    assert pages(after=5) == ([], None, None)
    assert pages(before=5) == ([], None, None)


def test_the_first_page_has_the_newest(ten):
    assert pages() == ([10, 9, 8], 8, None)


def test_older_pages_follow_to_the_end(ten):
    assert pages(before=8) == ([7, 6, 5], 5, 7)
    assert pages(before=2) == ([1], None, 1)


def test_newer_pages_lead_back_to_the_start(ten):
    assert pages(after=1) == ([4, 3, 2], 2, 4)
    assert pages(after=7) == ([10, 9, 8], 8, None)
    assert pages(after=8) == ([10, 9], 9, None)


def test_pages_go_on_from_part_to_part(ten):
    entries = AuditEntry.objects.all()
    parts = [entries.filter(id__in=ids) for ids in ([1, 2], [], [5, 6, 7], [9])]
    page = read_page(parts, limit=3)
    assert [entry.pk for entry in page.entries] == [9, 7, 6]
    page = read_page(parts, limit=3, before=page.older)
    assert [entry.pk for entry in page.entries] == [5, 2, 1]
    page = read_page(parts, limit=3, after=2)
    assert [entry.pk for entry in page.entries] == [7, 6, 5]
    assert (page.older, page.newer) == (5, 7)


def test_a_page_that_is_just_full_is_the_last(ten):
    assert pages(before=4) == ([3, 2, 1], None, 3)


def test_a_page_is_one_query_without_a_count(ten):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        pages(before=8)
    (query,) = queries
    assert "COUNT" not in query["sql"].upper()
    assert "OFFSET" not in query["sql"].upper()


def test_by_action(empty_log):
    made_entry(1)
    made_entry(2, action="user.logout")
    assert found(action="user.logout") == [2]
    assert found(action="user") == []


def test_by_actor_with_and_without_its_kind(empty_log):
    made_entry(1, actor_id="7")
    made_entry(2, actor_id="7", actor_kind=ActorKind.TASK)
    made_entry(3, actor_id="a:b", actor_kind=ActorKind.TASK)
    made_entry(4, actor_id="", actor_kind=ActorKind.ANONYMOUS)
    assert found(actor="7") == [1, 2]
    assert found(actor="task:7") == [2]
    assert found(actor="a:b") == [3]
    assert found(actor="anonymous:") == [4]
    assert found(actor="anonymous") == []


def test_a_user_as_target_is_the_user_model_s(empty_log):
    label = get_user_model()._meta.label_lower
    made_entry(1, target_kind=label, target_id="5")
    made_entry(2, target_kind="testapp.note", target_id="5")
    assert found(target="user:5") == found(target=f"{label}:5") == [1]


def test_by_target(empty_log):
    made_entry(1, target_id="5")
    made_entry(2, target_id="6")
    assert found(target="testapp.account:6") == [2]
    assert found(target="testapp.account", **ALL) == [1, 2]
    assert found(target="testapp", **ALL) == []


def test_by_outcome(empty_log):
    made_entry(1)
    made_entry(2, outcome=Outcome.REFUSED)
    assert found(outcome=Outcome.REFUSED, **ALL) == [2]


def test_by_address_without_its_being_stored(empty_log):
    made_entry(1, address_tag=address_tag("203.0.113.7"))
    made_entry(2, address_tag=address_tag("203.0.113.8"))
    assert found(address="203.0.113.7", **ALL) == [1]


def test_by_request(empty_log):
    made_entry(1, request_id="abc")
    made_entry(2, request_id="abcd")
    assert found(request_id="abc", **ALL) == [1]


@pytest.mark.parametrize("text", ["müller", "50%", "Billing", 'a"b', "back\\slash"])
def test_by_text_in_the_details(empty_log, log, text):
    record("audit.pruned", details={"note": f"x {text} y"})
    assert len(found(text=text)) == 1
    assert found(text=f"{text}z") == []


def test_by_text_in_a_column(empty_log):
    made_entry(1, reason="bad_password")
    made_entry(2, reason="badXpassword")
    assert found(text="bad_password", **ALL) == [1]


@pytest.mark.parametrize(
    "asked",
    [
        {"outcome": Outcome.SUCCESS},
        {"target": "testapp.account"},
        {"address": "203.0.113.7"},
        {"request_id": "r"},
        {"text": "login"},
    ],
)
def test_what_has_no_index_looks_through_the_last_days(empty_log, settings, asked):
    now = datetime.now(UTC)
    columns = {"address_tag": address_tag("203.0.113.7"), "request_id": "r"}
    made_entry(1, recorded_at=now - timedelta(days=3), **columns)
    made_entry(2, recorded_at=now - timedelta(days=1), **columns)
    settings.BT_SECURITY_AUDIT_SEARCH_WINDOW_DAYS = 2
    assert found(**asked) == [2]
    assert found(**asked, until=now - timedelta(days=2)) == [1]


@pytest.mark.parametrize(
    "asked", [{}, {"action": "user.login"}, {"actor": "5"}, {"target": "testapp.account:5"}]
)
def test_what_has_an_index_looks_through_everything(empty_log, asked):
    made_entry(1, recorded_at=START - timedelta(days=900))
    assert found(**asked) == [1]


def test_what_is_asked_for_is_no_repr():
    assert "203.0.113.7" not in repr(Filters(address="203.0.113.7", text="Mary"))


def test_reading_is_recorded_with_its_filters_and_searches_are_sealed(log):
    filters = Filters(
        action="user.login", outcome=Outcome.FAILURE, address="203.0.113.7", text="Mary"
    )
    record_reading("list", filters, count=7, before=9)
    entry = log.only(action="audit.read")
    assert entry.body == {
        "action": "user.login",
        "before": 9,
        "entries": 7,
        "outcome": "failure",
        "page": "list",
    }
    assert entry.personal_data == {"searched_address": "203.0.113.7", "searched_text": "Mary"}


def test_an_entry_after_the_last_seal_has_none(ten):
    made_seal(1, 0, 5)
    assert seal_of(AuditEntry.objects.get(pk=6)) is None


def test_an_entry_has_the_seal_of_its_range(ten):
    made_seal(1, 0, 5)
    made_seal(2, 5, 5)
    made_seal(3, 5, 10)
    assert seal_of(AuditEntry.objects.get(pk=5)).seq == 1
    assert seal_of(AuditEntry.objects.get(pk=6)).seq == 3


def test_an_entry_that_came_late_has_the_seal_that_lists_it(ten):
    made_seal(1, 0, 5, gaps="[[3,4]]")
    made_seal(2, 5, 8, late="[[4,4]]")
    assert seal_of(AuditEntry.objects.get(pk=4)).seq == 2
    assert seal_of(AuditEntry.objects.get(pk=3)) is None


def test_lists_of_a_seal_that_cannot_be_read_hide_no_entry(ten):
    made_seal(1, 0, 5, gaps="[[3,4]]")
    made_seal(2, 5, 8, late="[]")
    AuditSeal.objects.filter(seq=2).update(late="nonsense")
    assert seal_of(AuditEntry.objects.get(pk=3)) is None
    AuditSeal.objects.filter(seq=1).update(gaps="nonsense")
    assert seal_of(AuditEntry.objects.get(pk=3)).seq == 1
