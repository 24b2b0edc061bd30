"""The outer middleware: what has to be right before and after everything else."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.signals import got_request_exception
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from bt_security.conf import conf
from bt_security.exceptions import StoreUnavailable
from bt_security.middleware.proxies import (
    REQUEST_ID_HEADER,
    drop_untrusted_forwarding,
    request_id,
)
from bt_security.web.unavailable import store_unavailable

SERVER_ERROR = 500

OnRequest = Callable[[HttpRequest], None]
OnResponse = Callable[[HttpRequest, HttpResponseBase], None]

ALWAYS: tuple[str, ...] = ()

REQUEST_PARTS = (
    (("sessions", "ratelimit", "history"), "bt_security.devices.edge"),
    (("headers",), "bt_security.headers.edge"),
    (("csrf",), "bt_security.csrf.edge"),
    (ALWAYS, "bt_security.web.cookies"),
)
"""Modules whose `on_request` is called, in this order, with the features that bring them."""

RESPONSE_PARTS = (
    (("ratelimit",), "bt_security.ratelimit.login"),
    (("sessions",), "bt_security.accounts.edge"),
    (("sessions", "ratelimit", "history"), "bt_security.devices.edge"),
    (("csrf",), "bt_security.csrf.edge"),
    (ALWAYS, "bt_security.web.cookies"),
    (("headers",), "bt_security.headers.edge"),
)
"""Modules whose `on_response` is called, in this order, with the features that bring them."""

SCOPE_PARTS = ((("audit",), "bt_security.audit.edge"),)
"""The module whose `around` the request is answered in, with the feature that brings it."""

_STORE_IS_AWAY = "_bt_security_store_is_away"


class Parts(NamedTuple):
    """What the features that are on do at the edge."""

    on_request: tuple[OnRequest, ...]
    on_response: tuple[OnResponse, ...]
    scope: ModuleType | None


class EdgeMiddleware:
    """First of `MIDDLEWARE`: request id, trusted proxies, headers, cookies, and 503.

    Sets `request.bt_request_id` and the header `X-Request-ID`. Sync and async; no part does I/O.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)
        got_request_exception.connect(_note_store_failure, dispatch_uid=_STORE_IS_AWAY)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request, or return the coroutine that will."""
        if self._is_async:
            return self._answer_later(request)
        parts = _begin(request)
        if parts.scope is None:
            return _finish(parts, request, self.get_response(request))
        with parts.scope.around(request):
            return _finish(parts, request, self.get_response(request))

    async def _answer_later(self, request: HttpRequest) -> HttpResponseBase:
        parts = _begin(request)
        if parts.scope is None:
            return _finish(parts, request, await self.get_response(request))
        async with parts.scope.around_later(request):
            return _finish(parts, request, await self.get_response(request))

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Answer 503 when a view could not reach its store; anything else is not ours."""
        return store_unavailable(request) if isinstance(exception, StoreUnavailable) else None


def _begin(request: HttpRequest) -> Parts:
    drop_untrusted_forwarding(request)
    request.bt_request_id = request_id(request)  # type: ignore[attr-defined]
    parts = _load_parts(tuple(conf.features))
    for on_request in parts.on_request:
        on_request(request)
    return parts


def _finish(parts: Parts, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if getattr(request, _STORE_IS_AWAY, False) and response.status_code == SERVER_ERROR:
        response = store_unavailable(request)
    for on_response in parts.on_response:
        on_response(request, response)
    if REQUEST_ID_HEADER not in response.headers:
        response.headers[REQUEST_ID_HEADER] = request.bt_request_id  # type: ignore[attr-defined]
    return response


@lru_cache(maxsize=8)
def _load_parts(features: tuple[str, ...]) -> Parts:
    return Parts(
        tuple(module.on_request for module in _modules(REQUEST_PARTS, features)),
        tuple(module.on_response for module in _modules(RESPONSE_PARTS, features)),
        next(_modules(SCOPE_PARTS, features), None),
    )


def _modules(
    parts: Iterable[tuple[tuple[str, ...], str]], features: tuple[str, ...]
) -> Iterator[ModuleType]:
    for wanted_by, place in parts:
        if wanted_by == ALWAYS or any(feature in features for feature in wanted_by):
            yield import_module(place)


def _note_store_failure(request: HttpRequest | None = None, **_: Any) -> None:
    """Remember why a 500 came about: a middleware's exception reaches no `process_exception`."""
    if request is not None and isinstance(sys.exc_info()[1], StoreUnavailable):
        setattr(request, _STORE_IS_AWAY, True)
