"""Who is logged in, as far as a page needs to know."""

from __future__ import annotations

from django.http import HttpRequest

from bt_security.web.endpoint import endpoint

ME = {
    "type": ["object", "null"],
    "properties": {
        "id": {"type": "string"},
        "username": {"type": "string"},
        "is_staff": {"type": "boolean"},
    },
    "required": ["id", "username", "is_staff"],
    "additionalProperties": False,
}


@endpoint("GET", summary="Who is logged in; null for nobody", answers={200: ME}, login="none")
def me(request: HttpRequest) -> object:
    """Return the account of the session, or None."""
    user = request.user
    if not user.is_authenticated:
        return (200, None)
    return {
        "id": str(user.pk),
        "username": user.get_username(),
        "is_staff": bool(getattr(user, "is_staff", False)),
    }
