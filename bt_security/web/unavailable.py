"""The answer while a server that the request needs does not answer."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from bt_security.web.answers import json_error, no_store
from bt_security.web.asking import wants_json

RETRY_AFTER_SECONDS = 5
CODE = "STORE_UNAVAILABLE"
TEMPLATE = "bt_security/unavailable.html"


def store_unavailable(request: HttpRequest) -> HttpResponse:
    """Return 503 with `Retry-After`: JSON for API clients, else `bt_security/unavailable.html`.

    The template is rendered without context processors: those of a site may need the very
    server that is away.
    """
    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    if wants_json(request):
        message = _("The service is not available right now. Try again in a moment.")
        return json_error(status, CODE, message, headers=headers)
    response = HttpResponse(render_to_string(TEMPLATE), status=status, headers=headers)
    no_store(response)
    return response
