"""Who may call an endpoint: by the session's cookie with Django's CSRF check, or by API token."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from asgiref.sync import sync_to_async
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from bt_security.exceptions import ApiError
from bt_security.web import codes
from bt_security.web.endpoint import Endpoint

BEARER, COOKIE = "Bearer", "Cookie"

TokenJudge = Callable[[HttpRequest, str, str], AbstractBaseUser]
"""`judge(request, token, scope)` returns the token's user or raises `ApiError` 401 or 403."""

_judges: list[TokenJudge] = []


def accept_tokens(judge: TokenJudge) -> None:
    """Let endpoints with `login="any"` take the API tokens that `judge` finds good.

    A later call takes the place of an earlier one. Until the first, every token is refused.
    """
    _judges[:] = [judge]


@sensitive_variables()
def admit(endpoint: Endpoint, request: HttpRequest) -> HttpResponseBase | None:
    """Let the request in, or return the answer of the CSRF check that refuses it.

    With a token that the endpoint takes, its user becomes the request's, whoever the cookie
    belongs to; browsers do not send that header for other sites, so no CSRF token is needed.

    Raises:
        ApiError: 401 or 403.
    """
    token = sent_token(request) if endpoint.login == "any" else None
    if token is not None:
        _log_in(request, token, scope=endpoint.scope)
        return None
    if (refused := _csrf_refusal(request)) is not None:
        return refused
    if endpoint.login != "none" and not getattr(request, "user", _NOBODY).is_authenticated:
        raise _not_authenticated((COOKIE, BEARER) if endpoint.login == "any" else (COOKIE,))
    return None


async def aadmit(endpoint: Endpoint, request: HttpRequest) -> HttpResponseBase | None:
    """Do what `admit` does without blocking the event loop."""
    if endpoint.login == "none" and getattr(request, "csrf_processing_done", False):
        return None
    return await sync_to_async(admit)(endpoint, request)


@sensitive_variables()
def sent_token(request: HttpRequest) -> str | None:
    """Return the token of the header `Authorization: Bearer …`, None without such a header.

    Source: RFC 6750 section 2.1.
    """
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == BEARER.lower() else None


_NOBODY = AnonymousUser()


@sensitive_variables()
def _log_in(request: HttpRequest, token: str, *, scope: str) -> None:
    if not token or not _judges:
        raise _not_authenticated((BEARER,))
    # The judge holds the token as well: a fault in it may not report it.
    user = sensitive_variables()(_judges[0])(request, token, scope)

    async def auser() -> AbstractBaseUser:
        return user

    request.user = user  # type: ignore[assignment]
    request.auser = auser  # type: ignore[assignment]


def _csrf_refusal(request: HttpRequest) -> HttpResponseBase | None:
    """Judge what the site's CSRF middleware has left to us, or has not seen: it may be missing."""
    if getattr(request, "csrf_processing_done", False):
        return None
    judge = CsrfViewMiddleware(_no_response)
    if "CSRF_COOKIE" not in request.META:
        judge.process_request(request)
    return judge.process_view(request, _no_response, (), {})


# The middleware wants to know what comes after it; only its judgement is asked for here.
_no_response: Callable[[HttpRequest], HttpResponseBase] = lambda request: HttpResponse()  # noqa: E731


def _not_authenticated(ways: Sequence[str]) -> ApiError:
    """Return the 401 that names the ways to log in. Source: RFC 9110 section 11.6.1."""
    headers = {"WWW-Authenticate": ", ".join(ways)}
    return ApiError(401, codes.NOT_AUTHENTICATED, _("Log in first."), headers=headers)
