"""Addresses with a secret in them: what error reports and log lines quote instead."""

from __future__ import annotations

from django.http import HttpRequest, QueryDict
from django.views.decorators.debug import sensitive_variables

MASK = "********"
URI_NAMES = ("REQUEST_URI", "RAW_URI")
"""Where servers put the address as it was sent."""


def cut_query(request: HttpRequest) -> None:
    """Take the query off the address of a request."""
    request.GET = QueryDict("")
    request.META["QUERY_STRING"] = ""
    _quote_again(request)


@sensitive_variables()
def mask_in_path(request: HttpRequest, secret: str) -> None:
    """Mask a secret wherever the path of a request is quoted, also as an argument of the view."""
    if not secret:
        return
    request.path = request.path.replace(secret, MASK)
    request.path_info = request.path_info.replace(secret, MASK)
    for name, value in request.META.items():  # servers have more names for the path
        if isinstance(value, str) and secret in value:
            request.META[name] = value.replace(secret, MASK)
    _quote_again(request)
    if (match := request.resolver_match) is not None:
        from_path: dict[str, object] = match.captured_kwargs or {}  # type: ignore[attr-defined]
        for captured in (match.kwargs, from_path):
            captured.update({name: MASK for name in captured if captured[name] == secret})


def _quote_again(request: HttpRequest) -> None:
    for name in URI_NAMES:
        if name in request.META:
            request.META[name] = request.get_full_path()
