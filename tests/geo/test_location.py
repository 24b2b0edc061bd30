"""What a place may hold."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_security.geo import Location

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("Berlin", "Berlin"),
        ("  New\n\tYork\u2028City  ", "New York City"),
        ("Ber\x00lin\x1b[31m", "Berlin[31m"),
        ("\u202enilreB\u202c \u200b x", "nilreB x"),
        ("\ud800Berlin", "Berlin"),
        ("Zürich-Höngg", "Zürich-Höngg"),
        ("東京", "東京"),
        ("x" * 101, "x" * 100),
        ("x" * 99 + " y", "x" * 99),
        ("\x00\x01", ""),
    ],
)
def test_a_text_is_short_and_visible(told, kept):
    place = Location(city=told, region=told, country=told, isp=told)
    assert (place.city, place.region, place.country, place.isp) == (kept,) * 4


@pytest.mark.parametrize("name", ["city", "region", "country", "isp"])
@pytest.mark.parametrize("value", [None, 5, ["Berlin"], {"en": "Berlin"}, b"Berlin"])
def test_a_text_that_is_none_is_refused(name, value):
    with pytest.raises(TypeError):
        Location(**{name: value})


@pytest.mark.parametrize("value", [True, "52.5", [52.5], 1j])
def test_a_coordinate_that_is_no_number_is_refused(value):
    with pytest.raises(TypeError):
        Location(latitude=value, longitude=13.4)


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(90.1, 0), (-91, 0), (0, 180.5), (0, -181), (math.nan, 0), (0, math.inf), (10**400, 0)],
)
def test_a_coordinate_out_of_range_is_refused(latitude, longitude):
    with pytest.raises(ValueError, match="out of range"):
        Location(latitude=latitude, longitude=longitude)


def test_a_coordinate_is_rounded():
    place = Location(latitude=52.123456, longitude=-13)
    assert (place.latitude, place.longitude) == (52.1235, -13.0)


@pytest.mark.parametrize(("latitude", "longitude"), [(52.5, None), (None, 13.4)])
def test_half_a_point_is_none(latitude, longitude):
    place = Location(latitude=latitude, longitude=longitude)
    assert (place.latitude, place.longitude) == (None, None)


def test_a_place_without_anything_is_empty():
    assert Location().is_empty()
    assert not Location(isp="Example Net").is_empty()
    assert not Location(latitude=0, longitude=0).is_empty()


def test_a_place_is_not_in_a_log():
    assert repr(Location("Berlin", "b", "Germany", "net", 52.5, 13.4)) == "Location()"


@given(st.text(max_size=300))
def test_any_text_fits_a_column(text):
    kept = Location(city=text).city
    assert len(kept) <= 100
    kept.encode("utf-8")
    assert Location(city=kept).city == kept
