"""The own sessions as JSON, and the log-out."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import Http404, HttpRequest, HttpResponse

from bt_security.ratelimit import enforce
from bt_security.sessions import own
from bt_security.sessions.acting import NOT_WHILE_IMPERSONATING, not_while_impersonating
from bt_security.web import endpoint

SESSION_SCHEMA = {
    "type": "object",
    "required": [
        *("id", "created_at", "last_seen_at", "expires_at"),
        *("is_current", "is_impersonated"),
    ],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "created_at": {"type": "string", "format": "date-time"},
        "last_seen_at": {"type": "string", "format": "date-time"},
        "expires_at": {"type": "string", "format": "date-time"},
        "is_current": {"type": "boolean"},
        "is_impersonated": {"type": "boolean"},
    },
    "additionalProperties": False,
}
COUNT_SCHEMA = {
    "type": "object",
    "required": ["ended"],
    "properties": {"ended": {"type": "integer", "minimum": 0}},
    "additionalProperties": False,
}


@endpoint(
    "GET",
    summary="List the live sessions of the own account.",
    answers={200: {"type": "array", "items": SESSION_SCHEMA}},
)
def list_sessions(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sessions, the one used last first."""
    return [_shown(info) for info in own.for_user(_user(request), request=request)]


@endpoint(
    "DELETE",
    summary="End a session of the own account.",
    answers={204: {}},
    errors=("NOT_FOUND", "RATE_LIMITED"),
)
def end_session(request: HttpRequest, uuid: UUID) -> None:
    """End one session.

    Raises:
        Http404: the user has no such session.
        ApiError: too many of these requests.
    """
    enforce("session_admin", request)
    if not own.revoke(uuid, user=_user(request)):
        raise Http404


@endpoint(
    "POST",
    summary="End all sessions of the own account but this one.",
    answers={200: COUNT_SCHEMA},
    errors=("RATE_LIMITED", NOT_WHILE_IMPERSONATING),
)
@not_while_impersonating
def end_other_sessions(request: HttpRequest) -> dict[str, int]:
    """End the others and say how many there were.

    Raises:
        ApiError: too many of these requests.
    """
    enforce("session_admin", request)
    return {"ended": own.revoke_others(request)}


@endpoint("POST", summary="Log out.", answers={204: {}})
def log_out(request: HttpRequest) -> HttpResponse:
    """End this session, delete both cookies and let the browser forget cached pages."""
    logout(request)
    response = HttpResponse(status=204)
    response.headers["Clear-Site-Data"] = '"cache"'
    response.delete_cookie(
        settings.CSRF_COOKIE_NAME,
        path=settings.CSRF_COOKIE_PATH,
        domain=settings.CSRF_COOKIE_DOMAIN,
        samesite=settings.CSRF_COOKIE_SAMESITE,
    )
    return response


def _user(request: HttpRequest) -> AbstractBaseUser:
    return cast(AbstractBaseUser, request.user)


def _shown(info: own.SessionInfo) -> dict[str, Any]:
    return {
        "id": str(info.id),
        "created_at": info.created_at.isoformat(),
        "last_seen_at": info.last_seen_at.isoformat(),
        "expires_at": info.expires_at.isoformat(),
        "is_current": info.is_current,
        "is_impersonated": info.is_impersonated,
    }
