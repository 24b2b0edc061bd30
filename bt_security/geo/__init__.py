"""Where an address is, by a provider of the site's choice."""

from __future__ import annotations

from bt_security.exceptions import LocationUnavailable
from bt_security.geo.asking import is_on, look_up
from bt_security.geo.later import drain, run_later
from bt_security.geo.location import Location, Provider

__all__ = [
    "Location",
    "LocationUnavailable",
    "Provider",
    "drain",
    "is_on",
    "look_up",
    "run_later",
]
