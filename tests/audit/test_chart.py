"""The numbers of the timeline: bars of hours and of calendar days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from bt_security.audit.reading.chart import SPANS, drawn
from bt_security.models import AuditHour, Outcome
from bt_security.web.bars import HEIGHT, WIDTH

pytestmark = pytest.mark.django_db

DAY, WEEK, MONTH, QUARTER = SPANS
DAY_LONG = timedelta(days=1)
NOW = datetime(2026, 3, 31, 14, 25, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now(monkeypatch, settings):
    settings.TIME_ZONE = "UTC"
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def counted(hour, count, outcome=Outcome.SUCCESS, action="user.login"):
    AuditHour.objects.create(hour=hour, action=action, outcome=outcome, count=count)


def at(day, hour):
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def test_an_empty_log_has_bars_without_height():
    chart = drawn(WEEK)
    assert (len(chart.bars), chart.total, chart.highest) == (28, 0, 0)
    assert all(bar.segments == () for bar in chart.bars)


def test_the_last_bar_is_the_hour_that_runs():
    counted(at(31, 14), 3)
    counted(at(31, 13), 2)
    last, before = drawn(DAY).bars[:-3:-1]
    assert (last.start, last.end, last.total) == (at(31, 14), at(31, 15), 3)
    assert before.total == 2


def test_what_is_older_than_the_span_is_not_in_it():
    counted(at(30, 14), 3)
    counted(at(30, 15), 2)
    assert drawn(DAY).total == 2


def test_hours_are_put_together():
    for hour in range(9, 15):
        counted(at(31, hour), 1)
    counted(at(31, 8), 10)
    last, before = drawn(WEEK).bars[:-3:-1]
    assert (last.start, last.total, before.total) == (at(31, 9), 6, 10)


def test_outcomes_stand_on_each_other_and_fill_the_height():
    counted(at(31, 14), 6)
    counted(at(31, 14), 1, Outcome.FAILURE)
    counted(at(31, 14), 3, Outcome.REFUSED)
    bar = drawn(DAY).bars[-1]
    assert bar.counts == (6, 1, 3)
    assert [(part.outcome, part.y, part.height) for part in bar.segments] == [
        ("success", 0.4 * HEIGHT, 0.6 * HEIGHT),
        ("failure", 0.3 * HEIGHT, 0.1 * HEIGHT),
        ("refused", 0.0, 0.3 * HEIGHT),
    ]
    assert bar.x + bar.width <= WIDTH


def test_an_outcome_that_is_none_is_left_out():
    counted(at(31, 14), 6, outcome=77)
    assert drawn(DAY).total == 0


def test_one_action_can_be_drawn():
    counted(at(31, 14), 6)
    counted(at(31, 14), 2, action="user.logout")
    assert drawn(DAY, action="user.logout").total == 2


def test_days_are_those_of_the_calendar_where_the_clock_is_put_forward():
    with timezone.override(ZoneInfo("Europe/Berlin")):
        bars = drawn(MONTH).bars
    assert all(timezone.localtime(bar.start, ZoneInfo("Europe/Berlin")).hour == 0 for bar in bars)
    assert bars[-1].start.astimezone(UTC) == at(30, 22)
    assert len(bars) == 30
    short = [bar for bar in bars if bar.end.astimezone(UTC) - bar.start.astimezone(UTC) < DAY_LONG]
    assert [bar.start.day for bar in short] == [29]


def test_a_quarter_is_one_query(django_assert_num_queries):
    with django_assert_num_queries(1):
        chart = drawn(QUARTER)
    assert chart.bars[-1].end - chart.bars[0].start == timedelta(days=90)
    assert len(chart.labelled) <= 9
