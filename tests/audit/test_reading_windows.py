"""Periods become ranges of ids."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bt_security.audit.reading.windows import IdRange, id_ranges, recorded_between
from bt_security.models import AuditEntry
from tests.audit._reading_rows import START, made_entry, made_seal

pytestmark = pytest.mark.django_db


def minute(number):
    return START + timedelta(minutes=number)


def ids(since=None, until=None):
    parts = recorded_between(AuditEntry.objects.order_by("id"), since, until)
    return [entry_id for part in parts for entry_id in part.values_list("id", flat=True)]


def test_without_seals_everything_may_be_in_the_period():
    assert id_ranges(minute(5), minute(6)) == [IdRange()]


def test_no_period_is_no_condition():
    made_entry(1)
    assert ids() == [1]


def test_entries_of_the_period_are_found_and_no_others():
    for entry_id in range(1, 121):
        made_entry(entry_id)
    for seq in range(1, 13):
        made_seal(seq, seq * 10 - 10, seq * 10)
    assert ids(minute(55), minute(65)) == list(range(55, 65))
    assert ids(since=minute(118)) == [118, 119, 120]
    assert ids(until=minute(3)) == [1, 2]


def test_seals_long_before_and_long_after_are_not_read():
    for seq in range(1, 13):
        made_seal(seq, seq * 10 - 10, seq * 10)
    assert id_ranges(minute(55), minute(65)) == [IdRange(40, 80), IdRange(120)]


def test_a_period_at_the_end_of_the_log_is_open():
    made_seal(1, 0, 10)
    assert id_ranges(None, minute(11)) == [IdRange()]


def test_a_period_before_the_first_seal_ends_with_it():
    made_seal(1, 0, 10, sealed_at=minute(60))
    assert id_ranges(None, minute(5)) == [IdRange(None, 10), IdRange(10)]


def test_an_entry_that_waited_in_the_spool_is_found_at_its_own_time():
    for entry_id in range(1, 11):
        made_entry(entry_id)
    made_entry(500, recorded_at=minute(5))
    made_entry(900, recorded_at=minute(6))
    made_seal(1, 0, 10)
    made_seal(2, 10, 400, times=(minute(100), minute(400)))
    made_seal(3, 400, 600, times=(minute(5), minute(600)))
    assert id_ranges(minute(4), minute(7)) == [
        IdRange(None, 400),
        IdRange(400, 600),
        IdRange(600),
    ]
    assert ids(minute(4), minute(7)) == [4, 5, 6, 500, 900]


def test_a_period_costs_at_most_five_queries(django_assert_num_queries):
    made_seal(1, 0, 10)
    made_seal(2, 10, 400, times=(minute(100), minute(400)))
    with django_assert_num_queries(1):
        id_ranges(minute(4), None)
    with django_assert_num_queries(5):
        id_ranges(minute(4), minute(5))
