"""The CSRF token for clients that read no HTML."""

from __future__ import annotations

from django.http import HttpRequest
from django.middleware.csrf import get_token

from bt_security import web

TOKEN = {
    "type": "object",
    "required": ["csrf_token"],
    "properties": {"csrf_token": {"type": "string"}},
    "additionalProperties": False,
}


@web.endpoint("GET", summary="The CSRF token of this browser", answers={200: TOKEN}, login="none")
def csrf_token(request: HttpRequest) -> dict[str, str]:
    """Return the token; Django's middleware sets the cookie, or keeps it in the session."""
    return {"csrf_token": get_token(request)}
