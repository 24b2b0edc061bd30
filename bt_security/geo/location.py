"""What is told of an address, in a form that can be stored and shown."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Protocol

MAX_TEXT_CHARACTERS = 100
POINT_DECIMALS = 4
"""About ten metres; no provider knows an address as well as that."""

MAX_LATITUDE = 90.0
MAX_LONGITUDE = 180.0

_TEXTS = ("city", "region", "country", "isp")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs"})


@dataclass(frozen=True, slots=True)
class Location:
    """Where an address is; "" and None stand for what is not known.

    Texts are cut to 100 characters, without control and invisible ones. Coordinates are degrees,
    rounded to 4 decimals; one without the other is none.

    Raises:
        TypeError: a text is no text, a coordinate no number.
        ValueError: a coordinate is out of range.
    """

    city: str = field(default="", repr=False)
    region: str = field(default="", repr=False)
    country: str = field(default="", repr=False)
    isp: str = field(default="", repr=False)
    latitude: float | None = field(default=None, repr=False)
    longitude: float | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in _TEXTS:
            object.__setattr__(self, name, _tidy(getattr(self, name)))
        latitude = _degrees(self.latitude, MAX_LATITUDE)
        longitude = _degrees(self.longitude, MAX_LONGITUDE)
        is_point = latitude is not None and longitude is not None
        object.__setattr__(self, "latitude", latitude if is_point else None)
        object.__setattr__(self, "longitude", longitude if is_point else None)

    def is_empty(self) -> bool:
        """Whether nothing is known at all."""
        return self.latitude is None and not any(getattr(self, name) for name in _TEXTS)


class Provider(Protocol):
    """Tells where addresses are. A site's own is a class that is called without arguments.

    One instance serves all threads of a process.
    """

    def lookup(self, address: str) -> Location | None:
        """Return where a public address is, None if that is not known.

        Raises:
            LocationUnavailable: it cannot tell now. Other errors count as the same.
        """


def _tidy(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError("a text of a place is no text")
    seen = "".join(
        " " if one.isspace() else one
        for one in text
        if one.isspace() or unicodedata.category(one) not in _INVISIBLE
    )
    return " ".join(seen.split())[:MAX_TEXT_CHARACTERS].rstrip()


def _degrees(value: object, limit: float) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("a coordinate is no number")
    if not -limit <= value <= limit:  # NaN is not within either
        raise ValueError("a coordinate is out of range")
    return round(float(value), POINT_DECIMALS)
