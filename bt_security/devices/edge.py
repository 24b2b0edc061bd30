"""What the middleware does with a request and its answer."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from bt_security.devices.cookie import hide_token
from bt_security.devices.remembering import send_cookie


def on_request(request: HttpRequest) -> None:
    """Keep the device cookie out of error reports: Django hides cookies by names that tell."""
    hide_token(request)


def on_response(request: HttpRequest, response: HttpResponseBase) -> None:
    """Send the device cookie with the answer to a log-in. No I/O."""
    send_cookie(request, response)
