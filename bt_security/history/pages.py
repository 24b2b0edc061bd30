"""The pages of the own log-ins: the list, its summary, and the button that ends a session."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from bt_security import devices, sessions
from bt_security.history import charts, listing, summary
from bt_security.history.asking import FilterForm
from bt_security.history.cursors import parse_cursor
from bt_security.history.shown import METHOD_LABELS, OUTCOME_LABELS, shown
from bt_security.models import LoginEvent
from bt_security.ratelimit import rate_limited
from bt_security.sessions.acting import not_while_impersonating
from bt_security.web import no_store, safe_next

TEMPLATES = "bt_security/account"
HISTORY = "bt_security:account-login-history"
LINES = 25

Page = Callable[..., HttpResponseBase]


class Line(dict[str, Any]):
    """One log-in of the list; reports of errors show what a template was given, but not this."""

    def __repr__(self) -> str:
        return f"<Line {self['id']}>"


def owner_page(page: Page) -> Page:
    """Show a page to its owner alone: strangers log in first, who acts as the owner gets 403.

    Nobody may store it.
    """
    judged = login_required(not_while_impersonating(page))

    @wraps(page)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = judged(request, *args, **kwargs)
        no_store(response)
        return response

    return answer


@require_safe
@owner_page
@csrf_protect
@sensitive_variables()
def history_page(request: HttpRequest) -> HttpResponse:
    """Show a page of the own log-ins."""
    user = _user(request)
    known = [(str(device.uuid), device.label) for device in devices.for_user(user)]
    form = FilterForm(request.GET, devices=known)
    context: dict[str, Any] = {
        "title": _("Login history"),
        "form": form,
        "is_filtered": any(request.GET.get(name) for name in form.fields),
        "next": request.get_full_path(),
    }
    if form.is_valid():
        cursor = parse_cursor(request.GET.get("cursor", ""), user.pk)
        page = listing.page(user, filters=form.filters(), cursor=cursor, limit=LINES)
        context |= {
            "lines": _lines(page, sessions.current_id(request)),
            "newer_query": _place(request, form, page.newer),
            "older_query": _place(request, form, page.older),
        }
    return TemplateResponse(request, f"{TEMPLATES}/login_history.html", context)


@require_safe
@owner_page
@sensitive_variables()
def summary_page(request: HttpRequest) -> HttpResponse:
    """Show the own log-ins and refusals per day, and the places they came from."""
    pk = _user(request).pk
    context = {
        "title": _("Log-ins per day and place"),
        "chart": charts.per_day(pk),
        "places": summary.places(pk),
        "newest_events": summary.NEWEST_EVENTS,
    }
    return TemplateResponse(request, f"{TEMPLATES}/login_summary.html", context)


@require_POST
@owner_page
@csrf_protect
@rate_limited("session_admin")
def end_session(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """End a session of the own account, and go back to `next` of this site, or to the list.

    The session of the request itself ends as by logging out.
    """
    if uuid == sessions.current_id(request):
        logout(request)
    elif sessions.revoke(uuid, user=_user(request)):
        messages.success(request, _("The session is over."), fail_silently=True)
    else:
        messages.info(request, _("There is no such session any more."), fail_silently=True)
    return HttpResponseRedirect(safe_next(request, reverse(HISTORY)))


@sensitive_variables()
def _lines(page: listing.Page, current: UUID | None) -> list[Line]:
    """Return what the list says of each event; templates read dictionaries fastest."""
    return [_line(event, page, current) for event in page.events]


@sensitive_variables()
def _line(event: LoginEvent, page: listing.Page, current: UUID | None) -> Line:
    said = shown(event, live=page.live, current=current)
    place = said["location"] or {}
    more = {
        "happened_at": event.happened_at,
        "outcome_label": OUTCOME_LABELS[event.outcome],
        "method_label": METHOD_LABELS.get(event.method, event.method),
        "place": ", ".join(filter(None, (place.get("city"), place.get("country")))),
        "disowned_at": event.disowned_at,
    }
    return Line(said | more)


@sensitive_variables()
def _place(request: HttpRequest, form: FilterForm, cursor: str | None) -> str:
    """Return the query of a page beside this one, with the same filters, "" if there is none."""
    if cursor is None:
        return ""
    kept = {name: request.GET[name] for name in form.fields if request.GET.get(name)}
    return urlencode({**kept, "cursor": cursor})


def _user(request: HttpRequest) -> AbstractBaseUser:
    return cast(AbstractBaseUser, request.user)
