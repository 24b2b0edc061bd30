"""One URL of the JSON API: finds the endpoint of the method, and answers always in JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import cast

from asgiref.sync import markcoroutinefunction, sync_to_async
from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from bt_security.exceptions import ApiError
from bt_security.web import codes
from bt_security.web.admission import aadmit, admit
from bt_security.web.answers import NO_STORE
from bt_security.web.endpoint import NO_CONTENT, Endpoint
from bt_security.web.form_data import valid_form
from bt_security.web.refusals import answer_safely, answer_safely_later

ROUTE_START = "api/"
_VARY = ("Accept-Language", "Authorization", "Cookie")


class Resource:
    """The view of one URL; `endpoints` has its methods. Async as soon as one of them is."""

    login_required = False  # LoginRequiredMiddleware would redirect; strangers get 401 here

    def __init__(self, endpoints: Mapping[str, Endpoint]) -> None:
        self.endpoints = dict(endpoints)
        self.is_async = any(endpoint.is_async for endpoint in self.endpoints.values())
        # What a token may do needs no CSRF token; all else is judged when it is let in.
        self.csrf_exempt = any(endpoint.login == "any" for endpoint in self.endpoints.values())
        if self.is_async:
            markcoroutinefunction(self)
            transaction.non_atomic_requests(self)  # Django refuses to start an async view in one

    def __call__(
        self, request: HttpRequest, **captured: object
    ) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request, or return the coroutine that will.

        Reports of errors hide what a form-encoded body says: any field may be a secret.
        """
        request.sensitive_post_parameters = "__ALL__"  # type: ignore[attr-defined]
        if self.is_async:
            return self._answer_later(request, captured)
        return _finished(answer_safely(request, lambda request: self._answer(request, captured)))

    async def _answer_later(
        self, request: HttpRequest, captured: dict[str, object]
    ) -> HttpResponseBase:
        async def answer(request: HttpRequest) -> HttpResponseBase:
            return await self._answer_async(request, captured)

        return _finished(await answer_safely_later(request, answer))

    def _answer(self, request: HttpRequest, captured: dict[str, object]) -> HttpResponseBase:
        if request.method == "OPTIONS":
            return self._options()
        endpoint = self._endpoint(request)
        if (refused := admit(endpoint, request)) is not None:
            return refused
        form: list[forms.BaseForm] = []
        if endpoint.form is not None:
            form = [valid_form(endpoint.form, request, endpoint.form_options)]
        return endpoint.response(endpoint.view(request, *form, **captured))

    async def _answer_async(
        self, request: HttpRequest, captured: dict[str, object]
    ) -> HttpResponseBase:
        if request.method == "OPTIONS":
            return self._options()
        endpoint = self._endpoint(request)
        if (refused := await aadmit(endpoint, request)) is not None:
            return refused
        form: list[forms.BaseForm] = []
        if endpoint.form is not None:
            judge = sync_to_async(valid_form)  # its validators may ask the database
            form = [await judge(endpoint.form, request, endpoint.form_options)]
        if endpoint.is_async:
            result = await cast(Awaitable[object], endpoint.view(request, *form, **captured))
        else:
            result = await sync_to_async(endpoint.view)(request, *form, **captured)
        return endpoint.response(result)

    def _endpoint(self, request: HttpRequest) -> Endpoint:
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method not in self.endpoints:
            message = _("This address does not know the method.")
            raise ApiError(405, codes.METHOD_NOT_ALLOWED, message, headers={"Allow": self.allow})
        return self.endpoints[method]

    @property
    def allow(self) -> str:
        """The methods of this URL, as the header `Allow` has them."""
        extra = ["HEAD"] if "GET" in self.endpoints else []
        return ", ".join([*self.endpoints, *extra, "OPTIONS"])

    def _options(self) -> HttpResponse:
        return HttpResponse(status=NO_CONTENT, headers={"Allow": self.allow})


def resource(
    *,
    get: Endpoint | None = None,
    post: Endpoint | None = None,
    put: Endpoint | None = None,
    patch: Endpoint | None = None,
    delete: Endpoint | None = None,
) -> Resource:
    """Join the endpoints of one URL.

    Raises:
        ValueError: an endpoint is given for another method than its own, or none is given.
    """
    given = {"GET": get, "POST": post, "PUT": put, "PATCH": patch, "DELETE": delete}
    found = {method: endpoint for method, endpoint in given.items() if endpoint is not None}
    wrong = [method for method, endpoint in found.items() if endpoint.method != method]
    if wrong or not found:
        raise ValueError(f"resource() takes each endpoint by its own method: {wrong}")
    return Resource(found)


def api_path(route: str, view: Resource | Endpoint, *, name: str) -> URLPattern:
    """Return the `path` of a resource, or of a single endpoint.

    Raises:
        ValueError: the route does not start with `api/`.
    """
    if not route.startswith(ROUTE_START):
        raise ValueError(f"{route!r} does not start with {ROUTE_START!r}")
    found = Resource({view.method: view}) if isinstance(view, Endpoint) else view
    return path(route, found, name=name)  # type: ignore[arg-type]  # sync or async


def _finished(response: HttpResponseBase) -> HttpResponseBase:
    response.headers.setdefault("Cache-Control", NO_STORE)
    patch_vary_headers(response, _VARY)
    return response
