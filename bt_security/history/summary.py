"""Where somebody has logged in from, as a list: no map, and no service that draws one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.views.decorators.debug import sensitive_variables

from bt_security.exceptions import KeyRefused, OpenRefused
from bt_security.models import LoginEvent

NEWEST_EVENTS = 500
"""So many located log-ins are opened, however many there are."""

_READ = ("uid", "user", "happened_at", "location_city", "location_country")


class Place(NamedTuple):
    """A city and how many log-ins came from there; texts are "" where it is not known."""

    city: str
    country: str
    logins: int
    last_at: datetime

    def __repr__(self) -> str:
        return f"<Place {self.logins}>"


@dataclass(frozen=True, slots=True)
class Places:
    """The places of the newest located log-ins, that of the last one first."""

    places: tuple[Place, ...]
    unreadable: int
    is_cut: bool

    def __repr__(self) -> str:
        return f"<Places {len(self.places)}>"


@sensitive_variables()
def places(user_pk: Any, *, newest: int = NEWEST_EVENTS) -> Places:
    """Return where a user has logged in from; one query, values are opened here."""
    events = list(LoginEvent.objects.for_user(user_pk).located().only(*_READ)[: newest + 1])
    found: dict[tuple[str, str], Place] = {}
    unreadable = 0
    for event in events[:newest]:
        try:
            key = (event.location_city or "", event.location_country or "")
        except (OpenRefused, KeyRefused):
            unreadable += 1
            continue
        known = found.get(key) or Place(*key, 0, event.happened_at)
        found[key] = known._replace(logins=known.logins + 1)
    return Places(tuple(found.values()), unreadable, len(events) > newest)
