"""Log-ins per day in the time zone of whoever looks, on each database, and where they came from."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connections
from django.utils import timezone

from bt_security.history.charts import MAX_DAYS, per_day
from bt_security.history.summary import Place, places
from bt_security.models import LoginOutcome
from bt_security.web.bars import HEIGHT, WIDTH, labelled, stacked
from tests.history.conftest import make_user
from tests.history.reading import MINUTE, NOW, full, mary, several, site, spoil, stored

__all__ = ["mary", "site"]

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Kiritimati"]


@pytest.fixture
def clock(monkeypatch, settings):
    """Give a function that sets the time."""

    def set_to(now):
        monkeypatch.setattr(timezone, "now", lambda: now)

    settings.TIME_ZONE = "UTC"
    set_to(NOW)
    return set_to


def counted(chart):
    return {day.date: day.counts for day in chart.days if day.total}


def test_each_outcome_of_a_day_is_counted(mary, clock):
    several(mary, 3)
    several(mary, 2, outcome=LoginOutcome.FAILURE)
    stored(mary, NOW - timedelta(days=2), outcome=LoginOutcome.FACTOR_FAILED)
    chart = per_day(mary.pk)
    assert counted(chart) == {date(2026, 3, 31): (3, 2, 0), date(2026, 3, 29): (0, 0, 1)}
    assert (chart.total, chart.totals, chart.highest) == (6, (3, 2, 1), 5)
    assert [day.date.day for day in chart.busy] == [31, 29]
    assert chart.outcomes == ["Logged in", "Refused", "Second factor failed"]


def test_a_user_sees_the_own_ones_and_the_site_all(mary, clock):
    stored(mary)
    stored(make_user("bob"))
    stored(None, outcome=LoginOutcome.FAILURE, name_digest="d1:x")
    assert per_day(mary.pk).totals == (1, 0, 0)
    assert per_day().totals == (2, 1, 0)


@pytest.mark.parametrize(("days", "count"), [(0, 1), (1, 1), (90, 90), (9_999, MAX_DAYS)])
def test_a_period_is_brought_into_its_bounds(mary, clock, days, count):
    chart = per_day(mary.pk, days=days)
    assert len(chart.days) == count
    assert (chart.days[-1].date, chart.total, chart.highest) == (date(2026, 3, 31), 0, 0)


def test_what_is_older_than_the_period_or_in_the_future_is_not_counted(mary, clock):
    for at in ("2026-03-29T23:59:59.999999", "2026-03-30T00:00", "2026-04-01T00:00"):
        stored(mary, datetime.fromisoformat(at).replace(tzinfo=UTC))
    assert counted(per_day(mary.pk, days=2)) == {date(2026, 3, 30): (1, 0, 0)}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    "now", [datetime(2026, 4, 20, 12, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)]
)
def test_days_are_those_of_the_time_zone_also_where_clocks_are_changed(mary, clock, zone, now):
    clock(now)
    moments = [now - n * 5 * HOUR - n * SECOND for n in range(200)]
    for at in moments:
        stored(mary, at)
    wanted = {}
    for at in moments:
        day = at.astimezone(ZoneInfo(zone)).date()
        wanted[day] = wanted.get(day, 0) + 1
    with timezone.override(zone):
        chart = per_day(mary.pk)
    assert {day.date: day.total for day in chart.busy} == wanted


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-03-28T22:59:59", 28),
        ("2026-03-28T23:00:00", 29),
        ("2026-03-29T00:59:59", 29),
        ("2026-03-29T01:00:00", 29),
        ("2026-03-29T21:59:59", 29),
        ("2026-03-29T22:00:00", 30),
    ],
)
def test_the_day_on_which_clocks_go_forward_has_23_hours(mary, clock, at, day):
    stored(mary, datetime.fromisoformat(at).replace(tzinfo=UTC))
    with timezone.override("Europe/Berlin"):
        assert counted(per_day(mary.pk)) == {date(2026, 3, day): (1, 0, 0)}


@pytest.mark.once
def test_a_database_may_keep_times_in_another_zone(mary, clock, monkeypatch):
    known = vars(connections["default"])
    monkeypatch.setitem(known, "timezone", ZoneInfo("Asia/Tokyo"))
    monkeypatch.setitem(known, "timezone_name", "Asia/Tokyo")
    stored(mary, datetime(2026, 3, 30, 21, tzinfo=UTC))
    stored(mary, datetime(2026, 3, 30, 22, tzinfo=UTC))
    with timezone.override("Europe/Berlin"):
        found = counted(per_day(mary.pk))
    assert found == {date(2026, 3, 30): (1, 0, 0), date(2026, 3, 31): (1, 0, 0)}


@pytest.mark.parametrize("days", [1, 2, 3, 90])
def test_a_period_may_end_on_the_day_of_a_change(mary, clock, days):
    clock(datetime(2026, 3, 29, 12, tzinfo=UTC))
    stored(mary, datetime(2026, 3, 29, 0, 30, tzinfo=UTC))
    with timezone.override("Europe/Berlin"):
        assert counted(per_day(mary.pk, days=days)) == {date(2026, 3, 29): (1, 0, 0)}


@pytest.mark.parametrize("whose", ["own", "all"])
def test_a_chart_is_one_query(mary, clock, whose, django_assert_num_queries):
    several(mary, 5)
    with django_assert_num_queries(1), timezone.override("Europe/Berlin"):
        per_day(mary.pk if whose == "own" else None)


@pytest.mark.once
def test_bars_fill_the_box_and_stand_on_each_other():
    first, second = stacked([(6, 1, 3), (0, 5, 0)], ["good", "bad", "worse"])
    assert [(part.outcome, part.y, part.height) for part in first.segments] == [
        ("good", 0.4 * HEIGHT, 0.6 * HEIGHT),
        ("bad", 0.3 * HEIGHT, 0.1 * HEIGHT),
        ("worse", 0.0, 0.3 * HEIGHT),
    ]
    assert [(part.outcome, part.y, part.height) for part in second.segments] == [
        ("bad", 0.5 * HEIGHT, 0.5 * HEIGHT)
    ]
    assert (first.x, second.x) == (0, WIDTH / 2)
    assert second.x + second.width <= WIDTH


@pytest.mark.once
def test_bars_of_nothing_have_no_height():
    assert stacked([], ["good"]) == []
    assert [bar.segments for bar in stacked([(0,), (0,)], ["good"])] == [(), ()]


@pytest.mark.once
@pytest.mark.parametrize(("count", "least", "most"), [(0, 0, 0), (3, 3, 3), (90, 8, 9)])
def test_some_bars_are_labelled(count, least, most):
    assert least <= len(labelled(range(count))) <= most


def test_places_are_counted_the_last_one_first(mary):
    full(mary, NOW, location_city="Oslo", location_country="Norway")
    full(mary, NOW - MINUTE, location_city="Rome", location_country="Italy")
    full(mary, NOW - 2 * MINUTE, location_city="Oslo", location_country="Norway")
    full(mary, NOW - 3 * MINUTE, location_city=None, location_country="Italy")
    full(make_user("bob"), location_city="Lima")
    stored(mary)
    found = places(mary.pk)
    assert found.places == (
        Place("Oslo", "Norway", 2, NOW),
        Place("Rome", "Italy", 1, NOW - MINUTE),
        Place("", "Italy", 1, NOW - 3 * MINUTE),
    )
    assert (found.unreadable, found.is_cut) == (0, False)


def test_so_many_places_are_opened_and_no_more(mary, django_assert_num_queries):
    for number in range(5):
        full(mary, NOW - number * MINUTE)
    with django_assert_num_queries(1):
        found = places(mary.pk, newest=3)
    assert (found.places[0].logins, found.is_cut) == (3, True)
    assert not places(mary.pk, newest=5).is_cut


def test_places_that_do_not_open_are_counted(mary):
    spoil(full(mary), "location_city")
    full(mary, location_city="Oslo")
    found = places(mary.pk)
    assert (len(found.places), found.unreadable) == (1, 1)
    assert "Oslo" not in repr([found, *found.places])
