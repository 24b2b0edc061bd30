"""Whether one traveller can have been in both places: great-circle distance over time."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from bt_security.geo import Location

EARTH_RADIUS_KM = 6371.0088
MIN_DISTANCE_KM = 100
"""Nearer than that is one place: providers are wrong by as much."""

HOUR_SECONDS = 3600
_POINT = re.compile(r"(-?\d{1,2}\.\d\d),(-?\d{1,3}\.\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Point:
    """A place on earth, in degrees."""

    latitude: float = field(repr=False)
    longitude: float = field(repr=False)

    def __str__(self) -> str:
        """Return the text that is stored: to a kilometre, which is more than providers know."""
        return f"{self.latitude:.2f},{self.longitude:.2f}"


@dataclass(frozen=True, slots=True)
class Journey:
    """A way, and the speed that it would have taken."""

    km: int
    kmh: int


def point_of(location: Location) -> Point | None:
    """Return the point of a location, None if it has none."""
    if location.latitude is None or location.longitude is None:
        return None
    return Point(location.latitude, location.longitude)


def parse_point(text: str) -> Point | None:
    """Return the point of a stored text, None if it is no such text."""
    found = _POINT.fullmatch(text)
    return Point(float(found[1]), float(found[2])) if found else None


def distance_km(one: Point, other: Point) -> float:
    """Return the distance along the surface.

    Source: the haversine formula; a sphere of the mean radius, IUGG 1980. At most 0.6 % wrong.
    """
    south, north = math.radians(one.latitude), math.radians(other.latitude)
    east = math.radians(other.longitude - one.longitude)
    half_chord = (
        math.sin((north - south) / 2) ** 2
        + math.cos(south) * math.cos(north) * math.sin(east / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, half_chord)))


def impossible(one: Point, other: Point, *, seconds: float, max_kmh: int) -> Journey | None:
    """Return the journey if nobody can have made it in `seconds`, None if it is fine.

    `max_kmh` 0 judges nothing. Less than a second counts as one.
    """
    km = distance_km(one, other)
    kmh = km * HOUR_SECONDS / max(seconds, 1)
    if not max_kmh or km < MIN_DISTANCE_KM or kmh <= max_kmh:
        return None
    return Journey(km=round(km), kmh=round(kmh))
