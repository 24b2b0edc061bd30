"""The counts that the chart reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bt_security.audit.rows import microseconds
from bt_security.audit.seals import hours, sealing
from bt_security.audit.seals.clock import Microseconds, moment
from bt_security.models import AuditEntry, AuditHour, Outcome
from tests.audit.stored_rows import put

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
LAST = NOON - timedelta(microseconds=1)


def counted():
    found = AuditHour.objects.order_by("hour", "action", "outcome")
    return list(found.values_list("hour", "action", "outcome", "count"))


def test_an_hour_ends_before_the_next_begins():
    hours.add([(microseconds(at), "test.done", 1) for at in (LAST, NOON)], using="default")
    assert [(hour, count) for hour, _, _, count in counted()] == [
        (NOON - timedelta(hours=1), 1),
        (NOON, 1),
    ]


def test_what_is_added_later_is_added_to_the_same_hour():
    for _ in range(2):
        hours.add([(microseconds(NOON), "test.done", 1)] * 3, using="default")
    assert counted() == [(NOON, "test.done", 1, 6)]


def test_actions_and_outcomes_are_counted_apart():
    put(1, 2, action="test.done", at=NOON)
    put(3, action="test.done", outcome=Outcome.REFUSED, at=NOON)
    put(4, action="test.other", at=NOON)
    sealing.seal()
    assert counted() == [
        (NOON, "test.done", Outcome.SUCCESS, 2),
        (NOON, "test.done", Outcome.REFUSED, 1),
        (NOON, "test.other", Outcome.SUCCESS, 1),
    ]


@pytest.mark.parametrize(
    "at", [NOON, LAST, datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)], ids=str
)
def test_the_database_numbers_times_exactly(at):
    put(1, at=at)
    (number,) = AuditEntry.objects.values_list(Microseconds("recorded_at"), flat=True)
    assert number == microseconds(at)
    assert moment(number) == at
