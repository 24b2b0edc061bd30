"""What the middleware does with the cookie of an operator."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from bt_security.accounts.operator_cookie import cookie_name, delete_cookie
from bt_security.sessions.store import SealedSession


def on_response(request: HttpRequest, response: HttpResponseBase) -> None:
    """Delete the operator's cookie once nobody acts as another user in this browser. No I/O.

    Only a session that this request has loaded tells.
    """
    name = cookie_name()
    if name not in request.COOKIES or name in response.cookies:
        return
    session = getattr(request, "session", None)
    if not isinstance(session, SealedSession) or not hasattr(session, "_session_cache"):
        return
    if session.operator is None and not session._is_unreachable:
        delete_cookie(response)
