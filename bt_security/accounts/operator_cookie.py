"""The second cookie of a browser that acts as another user: the way back to the own session.

Its value is the key of the operator's own session, sealed for the one impersonated session that
goes with it: it opens beside that session only, is no key of a session itself, and is stored
nowhere else.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.views.decorators.debug import sensitive_variables

from bt_security.conf import conf
from bt_security.sessions import secrets
from bt_security.web.cookies import HOST_PREFIX, cookie_form

NAME = "bt_operator_session"
SAME_SITE: Final = "Strict"

_PLACE = "bt-security/operator-session/v1"
"""Stands where content of sessions has a digest, so that neither opens as the other."""
_TO_COOKIE = str.maketrans("+/=", "-_.")
_FROM_COOKIE = str.maketrans("-_.", "+/=")


def cookie_name() -> str:
    """Return the name that the cookie has on this site; it never depends on the request."""
    return f"{HOST_PREFIX}{NAME}" if _is_host_only() else NAME


@sensitive_variables()
def set_cookie(
    request: HttpRequest,
    response: HttpResponseBase,
    own_key: str,
    *,
    session_id: str,
    age_seconds: int,
) -> None:
    """Send the key of the operator's own session; `session_id` is that of the impersonated one."""
    _, _, box = secrets.seal(own_key.encode("ascii"), _PLACE, session_id).partition(".")
    form = cookie_form("session")
    by_request = request.is_secure() and "session" in conf.cookies.secure_by_request
    response.set_cookie(
        cookie_name(),
        box.translate(_TO_COOKIE),
        max_age=age_seconds,
        path=form.path,
        domain=form.domain,
        secure=form.is_secure or form.name.startswith(HOST_PREFIX) or by_request,
        httponly=True,
        samesite=SAME_SITE,
    )


@sensitive_variables()
def sent_key(request: HttpRequest, *, session_id: str) -> str | None:
    """Return the key that was sealed for an impersonated session, None if the cookie has none."""
    box = request.COOKIES.get(cookie_name(), "").translate(_FROM_COOKIE)
    content = secrets.opened(f"{session_id}.{box}", _PLACE)
    return None if content is None else content.decode("ascii")


def delete_cookie(response: HttpResponseBase) -> None:
    """Let the browser forget the cookie."""
    form = cookie_form("session")
    response.delete_cookie(cookie_name(), path=form.path, domain=form.domain, samesite=SAME_SITE)
    patch_vary_headers(response, ("Cookie",))


def _is_host_only() -> bool:
    """Whether browsers take the cookie with the prefix, which the session's own may have too."""
    form = cookie_form("session")
    if form.name.startswith(HOST_PREFIX):
        return True
    return bool(settings.SESSION_COOKIE_SECURE) and form.domain is None and form.path == "/"
