"""The own devices as JSON."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import Http404, HttpRequest

from bt_security.devices.known import find, for_user, identify
from bt_security.devices.marks import revoke
from bt_security.models import Device
from bt_security.ratelimit import enforce
from bt_security.web import endpoint

DEVICE_SCHEMA = {
    "type": "object",
    "required": ["id", "label", "created_at", "last_seen_at", "trusted_until", "is_current"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "label": {"type": "string"},
        "created_at": {"type": "string", "format": "date-time"},
        "last_seen_at": {"type": "string", "format": "date-time"},
        "trusted_until": {"type": ["string", "null"], "format": "date-time"},
        "is_current": {"type": "boolean"},
    },
    "additionalProperties": False,
}


@endpoint(
    "GET",
    summary="List the browsers that the own account is known by.",
    answers={200: {"type": "array", "items": DEVICE_SCHEMA}},
)
def list_devices(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the devices, the one seen last first."""
    current = identify(request)
    return [_shown(device, current=current) for device in for_user(_user(request))]


@endpoint(
    "DELETE",
    summary="Make a browser unknown to the own account.",
    answers={204: {}},
    errors=("NOT_FOUND", "RATE_LIMITED"),
)
def revoke_device(request: HttpRequest, uuid: UUID) -> None:
    """Revoke one device.

    Raises:
        Http404: the user has no such device.
        ApiError: too many of these requests.
    """
    enforce("device_admin", request)
    device = find(_user(request), uuid)
    if device is None:
        raise Http404
    revoke(device)


def _user(request: HttpRequest) -> AbstractBaseUser:
    return cast(AbstractBaseUser, request.user)


def _shown(device: Device, *, current: Device | None) -> dict[str, Any]:
    until = device.trusted_until
    return {
        "id": str(device.uuid),
        "label": device.label,
        "created_at": device.created_at.isoformat(),
        "last_seen_at": device.last_seen_at.isoformat(),
        "trusted_until": until.isoformat() if until is not None else None,
        "is_current": current is not None and current.pk == device.pk,
    }
