"""The part of `EdgeMiddleware` that this feature is; no queries, no network."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from bt_security.web.cookies import HOST_PREFIX, cookie_form

OUR_HEADER = "HTTP_X_CSRF_TOKEN"


def on_request(request: HttpRequest) -> None:
    """Let `X-CSRF-Token` count where Django's own header is absent."""
    if OUR_HEADER in request.META:
        request.META.setdefault(settings.CSRF_HEADER_NAME, request.META[OUR_HEADER])


def on_response(request: HttpRequest, response: HttpResponseBase) -> None:
    """Delete the CSRF cookie with the session that this request has ended.

    A page that shows a form after the log-out has set a new one already: that stays.
    """
    if settings.CSRF_USE_SESSIONS or not _has_ended_session(request):
        return
    form = cookie_form("csrf")
    if form.name not in request.COOKIES or form.name in response.cookies:
        return
    is_host_only = form.name.startswith(HOST_PREFIX)
    response.delete_cookie(
        form.name,
        path="/" if is_host_only else form.path,
        domain=None if is_host_only else form.domain,
        samesite=form.same_site,
    )


def _has_ended_session(request: HttpRequest) -> bool:
    """Tell a log-out from a session that was gone before: that one is empty, but not modified."""
    session = getattr(request, "session", None)
    return session is not None and session.modified and session.is_empty()
