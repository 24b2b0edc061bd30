"""Codes of the JSON API's errors: what a program may rely on, and their status."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured

SERVER_FAULT = 500
"""The lowest status that says: not the client's fault."""


class ErrorCode(NamedTuple):
    """One kind of error: its HTTP status, and when it is answered."""

    status: int
    meaning: str


INVALID_JSON = "INVALID_JSON"
BAD_REQUEST = "BAD_REQUEST"
VALIDATION_FAILED = "VALIDATION_FAILED"
NOT_AUTHENTICATED = "NOT_AUTHENTICATED"
FORBIDDEN = "FORBIDDEN"
INSUFFICIENT_SCOPE = "INSUFFICIENT_SCOPE"
CSRF_FAILED = "CSRF_FAILED"
COOKIE_NOT_STORED = "COOKIE_NOT_STORED"
PASSWORD_CHANGE_REQUIRED = "PASSWORD_CHANGE_REQUIRED"  # noqa: S105 - it is public
NOT_FOUND = "NOT_FOUND"
METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
CONFLICT = "CONFLICT"
BODY_TOO_LARGE = "BODY_TOO_LARGE"
UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
RATE_LIMITED = "RATE_LIMITED"
SERVER_ERROR = "SERVER_ERROR"
STORE_UNAVAILABLE = "STORE_UNAVAILABLE"

_CODES = {
    INVALID_JSON: ErrorCode(
        HTTPStatus.BAD_REQUEST, "The body is not a JSON object that can be read."
    ),
    BAD_REQUEST: ErrorCode(HTTPStatus.BAD_REQUEST, "The request cannot be read."),
    VALIDATION_FAILED: ErrorCode(
        HTTPStatus.BAD_REQUEST, "Fields are missing, unknown or wrong; `fields` says which."
    ),
    NOT_AUTHENTICATED: ErrorCode(HTTPStatus.UNAUTHORIZED, "Nobody is logged in."),
    FORBIDDEN: ErrorCode(HTTPStatus.FORBIDDEN, "This account may not do that."),
    INSUFFICIENT_SCOPE: ErrorCode(HTTPStatus.FORBIDDEN, "The API token was not made for this."),
    CSRF_FAILED: ErrorCode(
        HTTPStatus.FORBIDDEN, "The CSRF token is missing or wrong, or the origin is another."
    ),
    COOKIE_NOT_STORED: ErrorCode(
        HTTPStatus.FORBIDDEN, "The browser could not store a Secure cookie: the page is plain HTTP."
    ),
    PASSWORD_CHANGE_REQUIRED: ErrorCode(
        HTTPStatus.FORBIDDEN, "The password has to be changed first."
    ),
    NOT_FOUND: ErrorCode(HTTPStatus.NOT_FOUND, "There is no such thing, or it is somebody else's."),
    METHOD_NOT_ALLOWED: ErrorCode(
        HTTPStatus.METHOD_NOT_ALLOWED, "The route does not know this method; `Allow` has those."
    ),
    CONFLICT: ErrorCode(HTTPStatus.CONFLICT, "The present state does not allow it."),
    BODY_TOO_LARGE: ErrorCode(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is larger than the site takes."
    ),
    UNSUPPORTED_MEDIA_TYPE: ErrorCode(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body is neither JSON in UTF-8 nor a form."
    ),
    RATE_LIMITED: ErrorCode(
        HTTPStatus.TOO_MANY_REQUESTS, "Too many attempts; `Retry-After` says when to go on."
    ),
    SERVER_ERROR: ErrorCode(HTTPStatus.INTERNAL_SERVER_ERROR, "A fault of the server."),
    STORE_UNAVAILABLE: ErrorCode(
        HTTPStatus.SERVICE_UNAVAILABLE, "A server that the site needs does not answer."
    ),
}


def define_error(code: str, status: int, meaning: str) -> str:
    """Add a code of a feature to the list, and return it; twice the same is harmless.

    Raises:
        ImproperlyConfigured: the code stands for something else already.
    """
    wanted = ErrorCode(status, meaning)
    if _CODES.setdefault(code, wanted) != wanted:
        raise ImproperlyConfigured(f"The error code {code} is defined twice.")
    return code


def error_code(code: str) -> ErrorCode:
    """Return what a code stands for.

    Raises:
        ImproperlyConfigured: nobody has defined it.
    """
    if code not in _CODES:
        raise ImproperlyConfigured(f"{code} is no error code; see web.define_error.")
    return _CODES[code]


def error_codes() -> dict[str, ErrorCode]:
    """Return all codes that are defined so far."""
    return dict(_CODES)
