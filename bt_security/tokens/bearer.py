"""Requests that bring an API token instead of a cookie."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, TypeVar, cast

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables

from bt_security import web
from bt_security.conf import conf
from bt_security.exceptions import ApiError, TokenRefused
from bt_security.models import ApiToken
from bt_security.tokens import api
from bt_security.web.admission import sent_token
from bt_security.web.codes import INSUFFICIENT_SCOPE, NOT_AUTHENTICATED

ViewT = TypeVar("ViewT", bound=Callable[..., Any])


def connect() -> None:
    """Let the JSON API take API tokens, where `BT_SECURITY_TOKENS_BEARER` says so."""
    web.accept_tokens(judge)


@sensitive_variables()
def judge(request: HttpRequest, secret: str, scope: str) -> AbstractBaseUser:
    """Return whose token a request to the JSON API brings; `request.api_token` is its row.

    Raises:
        ApiError: 401, or 403 if the token is not for `scope`.
    """
    if not conf.tokens.bearer:
        raise _unauthorised(request)
    token = _require_token(request, secret, scope)
    request.api_token = token  # type: ignore[attr-defined]
    return token.user


def api_token_required(scope: str = "") -> Callable[[ViewT], ViewT]:
    """Let API tokens alone into a view, sync or async; cookies do not count.

    `request.user` is the token's user and `request.api_token` its row. Such a request needs no
    CSRF token, because no browser sends the header by itself. Without a good token the answer is
    401, without `scope` 403, as JSON.
    """

    def decorate(view: ViewT) -> ViewT:
        if iscoroutinefunction(view):

            @wraps(view)
            async def answer_later(
                request: HttpRequest, *args: Any, **kwargs: Any
            ) -> HttpResponseBase:
                try:
                    await sync_to_async(_admit)(request, scope)
                except ApiError as error:
                    return _refusal(error)
                return await cast(Awaitable[HttpResponseBase], view(request, *args, **kwargs))

            return cast(ViewT, csrf_exempt(login_not_required(answer_later)))

        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                _admit(request, scope)
            except ApiError as error:
                return _refusal(error)
            return cast(HttpResponseBase, view(request, *args, **kwargs))

        return cast(ViewT, csrf_exempt(login_not_required(answer)))

    return decorate


def _admit(request: HttpRequest, scope: str) -> None:
    token = _require_token(request, sent_token(request) or "", scope)
    user = token.user

    async def auser() -> AbstractBaseUser:
        return user

    request.user = user
    request.auser = auser  # type: ignore[assignment]
    request.api_token = token  # type: ignore[attr-defined]


@sensitive_variables()
def _require_token(request: HttpRequest, secret: str, scope: str) -> ApiToken:
    """Return the token of a secret. Source of the headers: RFC 6750 section 3."""
    try:
        token = api.verify(secret)
    except TokenRefused:
        raise _unauthorised(request) from None
    if not token.allows(scope):
        raise ApiError(
            403,
            INSUFFICIENT_SCOPE,
            _("The API token was not made for this."),
            headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
        )
    return token


def _unauthorised(request: HttpRequest) -> ApiError:
    ways = "Bearer" if sent_token(request) is None else 'Bearer error="invalid_token"'
    message = _("An API token is needed.")
    return ApiError(401, NOT_AUTHENTICATED, message, headers={"WWW-Authenticate": ways})


def _refusal(error: ApiError) -> HttpResponseBase:
    return web.json_error(error.status, error.code, error.message, headers=error.headers)
