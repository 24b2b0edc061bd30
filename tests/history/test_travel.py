"""Distance, speed, and what nobody can have travelled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_security.geo import Location
from bt_security.history.travel import Point, distance_km, impossible, parse_point, point_of

pytestmark = pytest.mark.once

HOUR = 3600
MUNICH, BERLIN = Point(48.14, 11.58), Point(52.52, 13.41)
LONDON, NEW_YORK = Point(51.47, -0.45), Point(40.64, -73.78)
POINTS = st.builds(
    Point, st.floats(-90, 90, allow_nan=False), st.floats(-180, 180, allow_nan=False)
)


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [
        (MUNICH, BERLIN, 504),
        (LONDON, NEW_YORK, 5_540),
        (Point(0, 0), Point(0, 180), 20_015),
        (Point(90, 0), Point(-90, 77), 20_015),
        (Point(0, 179.5), Point(0, -179.5), 111),
        (Point(90, -120), Point(90, 60), 0),
        (MUNICH, MUNICH, 0),
    ],
    ids=["cities", "ocean", "antipodes", "poles", "date line", "one pole", "same"],
)
def test_distances_are_those_of_the_globe(one, other, km):
    assert distance_km(one, other) == pytest.approx(km, rel=0.01, abs=0.5)


@given(POINTS, POINTS)
def test_a_way_and_its_way_back_are_as_long_and_at_most_half_around(one, other):
    there = distance_km(one, other)
    assert there == pytest.approx(distance_km(other, one), abs=1e-6)
    assert 0 <= there < 20_016


def test_what_is_faster_than_allowed_is_impossible():
    journey = impossible(LONDON, NEW_YORK, seconds=2 * HOUR, max_kmh=1_000)
    assert journey.km == pytest.approx(5_540, rel=0.01)
    assert journey.kmh == pytest.approx(journey.km / 2, abs=1)


def test_a_flight_is_possible():
    assert impossible(LONDON, NEW_YORK, seconds=8 * HOUR, max_kmh=1_000) is None


def test_exactly_the_speed_that_is_allowed_is_possible():
    seconds = distance_km(MUNICH, BERLIN) * HOUR / 500
    assert impossible(MUNICH, BERLIN, seconds=seconds * 1.0001, max_kmh=500) is None
    assert impossible(MUNICH, BERLIN, seconds=seconds * 0.99, max_kmh=500)


def test_a_small_distance_is_never_impossible():
    nearby = Point(48.94, 11.58)
    assert 80 < distance_km(MUNICH, nearby) < 100
    assert impossible(MUNICH, nearby, seconds=0, max_kmh=1) is None


def test_nothing_is_impossible_where_it_is_not_judged():
    assert impossible(LONDON, NEW_YORK, seconds=0, max_kmh=0) is None


def test_two_log_ins_at_one_moment_have_a_second_between_them():
    journey = impossible(MUNICH, BERLIN, seconds=0, max_kmh=1_000)
    assert journey.kmh == pytest.approx(journey.km * HOUR, rel=0.01)


@given(POINTS)
def test_a_stored_point_comes_back_to_a_kilometre(point):
    found = parse_point(str(point))
    assert found.latitude == pytest.approx(point.latitude, abs=0.0051)
    assert found.longitude == pytest.approx(point.longitude, abs=0.0051)
    assert len(str(point)) <= 40


@pytest.mark.parametrize(
    "text", ["", "48.14", "48.14,x", "nan,nan", "48.14,11.58,3", "4\u0668.14,11.58"]
)
def test_a_text_that_is_no_point_is_none(text):
    assert parse_point(text) is None


def test_a_location_without_coordinates_has_no_point():
    assert point_of(Location(city="Munich")) is None
    assert point_of(Location(latitude=48.14, longitude=11.58)) == MUNICH


def test_a_point_does_not_show_itself_in_reports():
    assert "48" not in repr(MUNICH)
