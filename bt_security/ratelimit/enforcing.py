"""Put a limit on a view: as a decorator, as a mixin, or as a line inside a JSON endpoint."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.debug import sensitive_variables
from django.views.generic import View

from bt_security import web
from bt_security.ratelimit.counting import hit
from bt_security.ratelimit.decision import Decision
from bt_security.ratelimit.login import credit
from bt_security.ratelimit.responses import CODE, STATUS, add_headers, message, refusal

P = ParamSpec("P")
ViewT = TypeVar("ViewT", bound=Callable[..., Any])

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Not counted unless a view asks for it: opening a form is no attempt."""

FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})

AccountSource = str | Callable[[HttpRequest], str]
"""Name of a field in the form or JSON body, or a callable that returns the log-in name."""


def enforce(
    operation: str,
    request: HttpRequest,
    *,
    account: str = "",
    user: AbstractBaseUser | None = None,
) -> Decision:
    """Count a hit and return its decision, which is an allowed one.

    Raises:
        ApiError: status 429 with code `RATE_LIMITED`; a JSON endpoint lets it pass.
        ImproperlyConfigured: no operation has this name, or a setting is malformed.
    """
    decision = hit(operation, request, account=account, user=user)
    if not decision.allowed:
        raise web.ApiError(STATUS, CODE, message(decision), headers=decision.headers())
    return decision


def rate_limited(
    operation: str, *, account: AccountSource = "", methods: Collection[str] | None = None
) -> Callable[[ViewT], ViewT]:
    """Limit a view, sync or async: what is too much is answered by 429.

    `account` says where the log-in name is, for operations that are limited by account.
    `methods` are those that count, GET with HEAD; all but GET, HEAD, OPTIONS and TRACE by default.
    The decision is on the request as `rate_limit`.

    Raises:
        ImproperlyConfigured: on the first request, no operation has this name.
    """

    def decorate(view: ViewT) -> ViewT:
        if iscoroutinefunction(view):

            @wraps(view)
            async def limited_async(
                request: HttpRequest, *args: Any, **kwargs: Any
            ) -> HttpResponseBase:
                if not _counts(request, methods):
                    return cast(HttpResponseBase, await view(request, *args, **kwargs))
                decision = await sync_to_async(_counted)(operation, request, account)
                if not decision.allowed:
                    return await sync_to_async(refusal)(request, decision)
                response = cast(HttpResponseBase, await view(request, *args, **kwargs))
                add_headers(response, decision)
                return response

            return cast(ViewT, limited_async)

        @wraps(view)
        def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not _counts(request, methods):
                return cast(HttpResponseBase, view(request, *args, **kwargs))
            decision = _counted(operation, request, account)
            if not decision.allowed:
                return refusal(request, decision)
            response = cast(HttpResponseBase, view(request, *args, **kwargs))
            add_headers(response, decision)
            return response

        return cast(ViewT, limited)

    return decorate


class RateLimitedMixin(View):
    """Limits a class-based view; stands left of the view's other base classes."""

    rate_limit_operation: str
    rate_limit_account: str = ""
    """Name of the field with the log-in name."""
    rate_limit_methods: Collection[str] | None = None

    def get_rate_limit_account(self, request: HttpRequest) -> str:
        """Return the log-in name that the request is about, "" if there is none."""
        return account_name(request, self.rate_limit_account)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Count the hit, then let the view answer."""
        decorate = rate_limited(
            self.rate_limit_operation,
            account=self.get_rate_limit_account,
            methods=self.rate_limit_methods,
        )
        answer = super().dispatch
        if not self.view_is_async:
            return decorate(answer)(request, *args, **kwargs)

        async def answer_async(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            pending = cast(Awaitable[HttpResponseBase], answer(request, *args, **kwargs))
            return await pending

        return decorate(answer_async)(request, *args, **kwargs)


def account_name(request: HttpRequest, source: AccountSource) -> str:
    """Return the log-in name in a request, "" if it has none."""
    if callable(source):
        return source(request)
    if not source:
        return ""
    # A view may read JSON whatever type the client calls it, so the type decides nothing here.
    if request.content_type in FORM_TYPES:
        return request.POST.get(source) or ""
    return _json_text(request, source)


def _json_text(request: HttpRequest, field: str) -> str:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return ""  # the view says what is wrong with it
    value = body.get(field) if isinstance(body, dict) else None
    return str(value) if isinstance(value, str | int) else ""


def _counts(request: HttpRequest, methods: Collection[str] | None) -> bool:
    if methods is None:
        return request.method not in SAFE_METHODS
    # Django answers HEAD by the view for GET, so it would be a way around the limit.
    method = "GET" if request.method == "HEAD" else request.method
    return method in {name.upper() for name in methods}


@sensitive_variables()
def _counted(operation: str, request: HttpRequest, source: AccountSource) -> Decision:
    """Count a hit; the name stays in here, where no report of an error in the view shows it."""
    name = account_name(request, source)
    decision = hit(operation, request, account=name)
    if decision.allowed:
        request.rate_limit = decision  # type: ignore[attr-defined]
        credit(request, decision, account=name)
    return decision
