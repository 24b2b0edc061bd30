"""A user's own log-ins on their way out, as a stream: some hundred in memory, never all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from itertools import chain, islice
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from bt_security import audit
from bt_security.history.listing import Filters
from bt_security.history.shown import STORED_SCHEMA, stored
from bt_security.models import LoginEvent
from bt_security.web import spreadsheets

EXPORTED = "history.exported"
CHUNK_EVENTS = 500

EXPORT_SCHEMA = {
    "type": "object",
    "required": ["exported_at", "events"],
    "properties": {
        "exported_at": {"type": "string", "format": "date-time"},
        "events": {"type": "array", "items": STORED_SCHEMA},
    },
    "additionalProperties": False,
}
CSV_COLUMNS = (
    "id",
    "happened_at",
    "outcome",
    "method",
    "device_id",
    "device_label",
    "device_is_new",
    "ip_address",
    "user_agent",
    "location_city",
    "location_region",
    "location_country",
    "location_isp",
    "location_point",
    "travel_km",
    "travel_kmh",
    "disowned_at",
    "unreadable",
)


def record_export(user: AbstractBaseUser, filters: Filters, *, format: str) -> None:
    """Record that a user exports the own log-ins, and by which filters, not what they ask for.

    Raises:
        AuditUnavailable: it cannot be recorded, so nothing may be exported.
    """
    details = {"format": format, "filters": filters.names()}
    audit.record(EXPORTED, target=user, details=details)


def json_parts(user_pk: Any, filters: Filters) -> Iterator[str]:
    """Yield a JSON document of the events, the newest first, in parts."""
    yield f'{{"exported_at": {json.dumps(timezone.now().isoformat())}, "events": ['
    before = "\n"
    for events in _chunks(user_pk, filters):
        yield before + ",\n".join(json.dumps(stored(event)) for event in events)
        before = ",\n"
    yield "\n]}\n"


def csv_parts(user_pk: Any, filters: Filters) -> Iterator[str]:
    """Yield CSV of the events, the newest first, in parts."""
    events = chain.from_iterable(_chunks(user_pk, filters))
    lines = spreadsheets.csv_lines(CSV_COLUMNS, map(_cells, events))
    while part := "".join(islice(lines, CHUNK_EVENTS)):
        yield part


async def later(parts: Iterator[str]) -> AsyncIterator[str]:
    """Yield the same parts without blocking the event loop."""
    while (part := await _next(parts)) is not None:
        yield part


@sync_to_async
def _next(parts: Iterator[str]) -> str | None:
    return next(parts, None)


@sensitive_variables()
def _chunks(user_pk: Any, filters: Filters) -> Iterator[list[LoginEvent]]:
    """Yield the events in lists; what happens meanwhile is newer than the first and left out."""
    asked = filters.events(user_pk).select_related("device")
    events = list(asked[:CHUNK_EVENTS])
    while events:
        yield events
        last = events[-1]
        is_last = len(events) < CHUNK_EVENTS
        events = [] if is_last else list(asked.before(last.happened_at, last.pk)[:CHUNK_EVENTS])


@sensitive_variables()
def _cells(event: LoginEvent) -> list[str]:
    found = stored(event)
    groups = {name: found.pop(name) or {} for name in ("device", "location", "travel")}
    for group, values in groups.items():
        found |= {f"{group}_{name}": value for name, value in values.items()}
    found["unreadable"] = " ".join(found["unreadable"])
    return [_text(found.get(name)) for name in CSV_COLUMNS]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
