"""What form of answer a client asks for."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

JSON = "application/json"
HTML = "text/html"
NAMESPACE = "bt_security"
DOCUMENT_NAME = f"{NAMESPACE}:openapi"
DOCUMENT_ROUTE = "api/openapi.json"


def wants_json(request: HttpRequest) -> bool:
    """Tell whether errors go out as JSON: below `api/` of this package, or by `Accept`.

    A request whose own body is JSON gets JSON unless it names HTML. `Accept: */*`, as programs
    send it, says nothing. Never raises.
    """
    if request.path.startswith(api_prefix() or "\0"):
        return True
    try:
        named = _named_types(request)
        prefers_json = JSON in named and request.get_preferred_type([HTML, JSON]) == JSON
    except ValueError:  # Django's parser, on a parameter in a charset or form that is none
        return request.content_type == JSON
    return prefers_json or (request.content_type == JSON and HTML not in named)


def api_prefix() -> str:
    """Return the path below which the JSON API of this package is, "" if it is not included."""
    try:
        return reverse(DOCUMENT_NAME).removesuffix(DOCUMENT_ROUTE.removeprefix("api/"))
    except NoReverseMatch:
        return ""


def _named_types(request: HttpRequest) -> set[str]:
    return {f"{kind.main_type}/{kind.sub_type}" for kind in request.accepted_types}
