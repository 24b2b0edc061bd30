"""The answer while a server that the request needs does not answer."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from bt_security.web.answers import json_error, no_store
from bt_security.web.asking import wants_json
from bt_security.web.codes import STORE_UNAVAILABLE

RETRY_AFTER_SECONDS = 5
TEMPLATE = "bt_security/unavailable.html"


def store_unavailable(request: HttpRequest) -> HttpResponse:
    """Return 503 with `Retry-After`: JSON for API clients, else `bt_security/unavailable.html`.

    The template is rendered without context processors: those of a site may need the very
    server that is away.
    """
    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    if wants_json(request):
        return json_error(status, STORE_UNAVAILABLE, unavailable_message(), headers=headers)
    response = HttpResponse(render_to_string(TEMPLATE), status=status, headers=headers)
    no_store(response)
    return response


def unavailable_message() -> str:
    """Return what a client is told, in the language of the request."""
    return _("The service is not available right now. Try again in a moment.")
