"""Whether somebody else acts as the user of a request, and what is refused while that is so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar, cast

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from bt_security import web
from bt_security.conf import conf
from bt_security.sessions.content import Operator
from bt_security.sessions.store import SealedSession
from bt_security.signals import report

ViewT = TypeVar("ViewT", bound=Callable[..., Any])

NOT_WHILE_IMPERSONATING = web.define_error(
    "NOT_WHILE_IMPERSONATING",
    HTTPStatus.FORBIDDEN,
    "Somebody else acts as the account, and this is for its owner alone.",
)


def operator_of(request: HttpRequest) -> Operator | None:
    """Return who acts through the session of a request as its user, None if that is the user."""
    session = getattr(request, "session", None)
    if not conf.impersonation.enabled or not isinstance(session, SealedSession):
        return None
    return session.operator


def not_while_impersonating(view: ViewT) -> ViewT:
    """Refuse a view, sync or async, to whoever acts as another user: 403, as JSON or as a page.

    Reports `impersonation.refused`. Stands below `@endpoint` where there is one.
    """
    if iscoroutinefunction(view):

        @wraps(view)
        async def answer_later(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if (refused := await sync_to_async(_refusal)(request)) is not None:
                return refused
            return await cast(Awaitable[Any], view(request, *args, **kwargs))

        return cast(ViewT, answer_later)

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        refused = _refusal(request)
        return view(request, *args, **kwargs) if refused is None else refused

    return cast(ViewT, answer)


def _refusal(request: HttpRequest) -> HttpResponseBase | None:
    """Return the answer for a client that reads JSON, None if nothing is refused.

    Raises:
        PermissionDenied: refused, and the site's own page says so.
    """
    operator = operator_of(request)
    if operator is None:
        return None
    route = request.resolver_match.route if request.resolver_match else ""
    details = {"reason": "not_while_impersonating", "route": route}
    report("impersonation.refused", outcome="refused", details=details)
    message = _("You act as somebody else, and this is for the owner of the account alone.")
    if web.wants_json(request):
        return web.json_error(HTTPStatus.FORBIDDEN, NOT_WHILE_IMPERSONATING, message)
    raise PermissionDenied(message)
