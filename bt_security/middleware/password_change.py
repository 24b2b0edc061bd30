"""Pages of somebody who has to change their password first: the one that does it."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.views import LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from bt_security import web
from bt_security.conf import conf
from bt_security.passwords import restriction
from bt_security.passwords.enforcement import change_path
from bt_security.types import OWN_APP
from bt_security.web.codes import PASSWORD_CHANGE_REQUIRED

LOG_OUT_NAMES = frozenset({"logout"})
OWN_OPEN_NAMES = frozenset(
    {"csrf-token", "csp-report", "logout", "account-not-me", "account-not-me-done"}
)
"""Of our own URLs, those that the change needs, the log-out as JSON, and what alerts link to."""

View = Callable[..., Any]


def answer_instead(request: HttpRequest, view: View) -> HttpResponse | None:
    """Return where to go first, or None where the view may answer."""
    if not conf.has_feature("passwords") or not restriction.is_marked(request):
        return None
    return _judged(request, view)


async def answer_instead_later(request: HttpRequest, view: View) -> HttpResponse | None:
    """Do what `answer_instead` does without blocking the event loop."""
    if not conf.has_feature("passwords") or not await restriction.ais_marked(request):
        return None
    return await sync_to_async(_judged)(request, view)


def _judged(request: HttpRequest, view: View) -> HttpResponse | None:
    path = change_path()
    if _is_open(request, view, path) or not restriction.has_to_change(request):
        return None
    if web.wants_json(request):
        message = _("Change your password first.")
        return web.json_error(HTTPStatus.FORBIDDEN, PASSWORD_CHANGE_REQUIRED, message)
    response = HttpResponseRedirect(path)
    web.no_store(response)
    return response


def _is_open(request: HttpRequest, view: View, change: str) -> bool:
    """Whether a page is there for those who have to change their password."""
    return request.path == change or _is_static(request.path) or _is_open_view(request, view)


def _is_static(path: str) -> bool:
    prefix = settings.STATIC_URL or "/"
    return prefix != "/" and path.startswith(prefix)


def _is_open_view(request: HttpRequest, view: View) -> bool:
    view_class = getattr(view, "view_class", None)
    if isinstance(view_class, type) and issubclass(view_class, LogoutView):
        return True
    match = request.resolver_match
    return match is not None and match.url_name in _open_names(match.app_names)


def _open_names(app_names: list[str]) -> frozenset[str]:
    return OWN_OPEN_NAMES if app_names[-1:] == [OWN_APP] else LOG_OUT_NAMES
