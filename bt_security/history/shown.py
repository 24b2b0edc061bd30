"""One log-in as its owner sees it: the values of API, page and export."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from bt_security.exceptions import KeyRefused, OpenRefused
from bt_security.models import LoginEvent, LoginOutcome
from bt_security.models.login_event import LOCATION_FIELDS

SEALED_FIELDS = ("ip_address", "user_agent", *LOCATION_FIELDS)

OUTCOME_LABELS: dict[str, str | Promise] = {
    LoginOutcome.SUCCESS: _("Logged in"),
    LoginOutcome.FAILURE: _("Refused"),
    LoginOutcome.FACTOR_FAILED: _("Second factor failed"),
}

METHOD_LABELS: dict[str, str | Promise] = {
    "password": _("with a password"),
    "remote_user": _("by the web server"),
    "forced": _("by a program"),
}

_TEXT = {"type": "string"}
_MAYBE_TEXT = {"type": ["string", "null"]}
_MAYBE_MOMENT = {"type": ["string", "null"], "format": "date-time"}
_COUNT = {"type": "integer", "minimum": 0}
_BOOLEAN = {"type": "boolean"}


def _object(properties: dict[str, Any], *, may_be_null: bool = False) -> dict[str, Any]:
    return {
        "type": ["object", "null"] if may_be_null else "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


DEVICE_SCHEMA = _object(
    {"id": {"type": ["string", "null"], "format": "uuid"}, "label": _TEXT, "is_new": _BOOLEAN}
)
LOCATION_SCHEMA = _object(
    dict.fromkeys(("city", "region", "country", "isp", "point"), _MAYBE_TEXT), may_be_null=True
)
SESSION_SCHEMA = _object(
    {"id": {**_TEXT, "format": "uuid"}, "is_active": _BOOLEAN, "is_current": _BOOLEAN},
    may_be_null=True,
)
STORED_PROPERTIES: dict[str, Any] = {
    "id": {**_TEXT, "format": "uuid"},
    "happened_at": {**_TEXT, "format": "date-time"},
    "outcome": {"type": "string", "enum": [str(outcome) for outcome in LoginOutcome]},
    "method": _TEXT,
    "device": DEVICE_SCHEMA,
    "ip_address": _MAYBE_TEXT,
    "user_agent": _MAYBE_TEXT,
    "location": LOCATION_SCHEMA,
    "travel": _object({"km": _COUNT, "kmh": _COUNT}, may_be_null=True),
    "disowned_at": _MAYBE_MOMENT,
    "unreadable": {"type": "array", "items": {"enum": list(SEALED_FIELDS)}},
}
STORED_SCHEMA = _object(STORED_PROPERTIES)
EVENT_SCHEMA = _object({**STORED_PROPERTIES, "session": SESSION_SCHEMA})


@sensitive_variables()
def stored(event: LoginEvent) -> dict[str, Any]:
    """Return what is stored of a log-in, opened; `unreadable` names what does not open."""
    values, unreadable = _opened(event)
    places = {name.removeprefix("location_"): values[name] for name in LOCATION_FIELDS}
    device = event.device
    return {
        "id": str(event.uid),
        "happened_at": event.happened_at.isoformat(),
        "outcome": event.outcome,
        "method": event.method,
        "device": {
            "id": str(device.uuid) if device is not None else None,
            "label": event.device_label,
            "is_new": event.is_new_device,
        },
        "ip_address": values["ip_address"],
        "user_agent": values["user_agent"],
        "location": places if any(places.values()) else None,
        "travel": _travel(event),
        "disowned_at": event.disowned_at.isoformat() if event.disowned_at else None,
        "unreadable": unreadable,
    }


@sensitive_variables()
def shown(event: LoginEvent, *, live: Collection[UUID], current: UUID | None) -> dict[str, Any]:
    """Return it with what has become of its session: over, active, or that of this request."""
    session = None
    if event.session_uuid is not None:
        session = {
            "id": str(event.session_uuid),
            "is_active": event.session_uuid in live,
            "is_current": event.session_uuid == current,
        }
    return {**stored(event), "session": session}


@sensitive_variables()
def _opened(event: LoginEvent) -> tuple[dict[str, str | None], list[str]]:
    values: dict[str, str | None] = {}
    unreadable = []
    for name in SEALED_FIELDS:
        values[name] = None
        try:
            values[name] = getattr(event, name)
        except (OpenRefused, KeyRefused):
            unreadable.append(name)
    return values, unreadable


def _travel(event: LoginEvent) -> dict[str, int] | None:
    if event.travel_km is None or event.travel_kmh is None:
        return None
    return {"km": event.travel_km, "kmh": event.travel_kmh}
