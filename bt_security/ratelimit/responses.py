"""The answer to a hit that is refused, and the headers that say what is left."""

from __future__ import annotations

import math

from django.http import HttpRequest
from django.http.response import HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.utils.translation import gettext, ngettext

from bt_security import web
from bt_security.ratelimit.decision import Decision

STATUS = 429
CODE = "RATE_LIMITED"
TEMPLATE = "bt_security/rate_limited.html"

_MINUTE_SECONDS = 60

_ABOUT_THE_BODY = (
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Location",
    "Content-Range",
    "Content-Type",
    "ETag",
    "Expires",
    "Last-Modified",
    "Location",
)
"""Headers that are wrong once another body stands there: middleware may have compressed the old."""


def refusal(request: HttpRequest, decision: Decision) -> HttpResponse:
    """Return the answer 429 to a refused hit, as a page or as JSON, with its headers."""
    if web.wants_json(request):
        return web.json_error(STATUS, CODE, message(decision), headers=decision.headers())
    page = render_to_string(TEMPLATE, _context(decision), request)
    response = HttpResponse(page, status=STATUS, headers=decision.headers())
    web.no_store(response)
    return response


def turn_into_refusal(request: HttpRequest, response: HttpResponseBase, decision: Decision) -> None:
    """Make a finished answer the 429 to a refused hit. Asks no context processor: no I/O.

    An answer that streams keeps its body and what its headers say about that.
    """
    response.status_code = STATUS
    web.no_store(response)
    if isinstance(response, HttpResponse):
        answer = _answer(request, decision)
        for name in _ABOUT_THE_BODY:
            del response.headers[name]
        response.content = answer.content
        response.headers["Content-Type"] = answer.headers["Content-Type"]
    for name, value in decision.headers().items():
        response.headers[name] = value


def add_headers(response: HttpResponseBase, decision: Decision) -> None:
    """Add what is left to an answer; figures of another operation on it stay."""
    for name, value in decision.headers().items():
        there = response.headers.get(name)
        response.headers[name] = f"{there}, {value}" if there else value


def message(decision: Decision) -> str:
    """Return the refusal as one sentence in the language of the request."""
    return gettext("Too many attempts. Try again in %(wait)s.") % {"wait": wait_text(decision)}


def wait_text(decision: Decision) -> str:
    """Return how long to wait, in seconds below a minute and in minutes above."""
    seconds = decision.retry_after_seconds
    if seconds < _MINUTE_SECONDS:
        return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}
    minutes = math.ceil(seconds / _MINUTE_SECONDS)
    return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}


def _answer(request: HttpRequest, decision: Decision) -> HttpResponse:
    if web.wants_json(request):
        return web.json_error(STATUS, CODE, message(decision))
    return HttpResponse(render_to_string(TEMPLATE, _context(decision)))


def _context(decision: Decision) -> dict[str, object]:
    return {"decision": decision, "wait": wait_text(decision)}
