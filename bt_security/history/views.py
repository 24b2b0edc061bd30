"""The own log-ins as JSON, and their export."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from bt_security import sessions
from bt_security.history import export, listing
from bt_security.history.asking import AskedForm, ExportForm, ListForm
from bt_security.history.cursors import Cursor, parse_cursor
from bt_security.history.shown import EVENT_SCHEMA, shown
from bt_security.ratelimit import enforce
from bt_security.sessions.acting import NOT_WHILE_IMPERSONATING, not_while_impersonating
from bt_security.web import endpoint, no_store
from bt_security.web.codes import RATE_LIMITED, VALIDATION_FAILED
from bt_security.web.form_data import errors_of, validation_failed

EXPORT_OPERATION = "export"
CONTENT_TYPES = {"json": "application/json", "csv": "text/csv; charset=utf-8"}
PARTS = {"json": export.json_parts, "csv": export.csv_parts}

PAGE_SCHEMA = {
    "type": "object",
    "required": ["events", "next_cursor", "previous_cursor"],
    "properties": {
        "events": {"type": "array", "items": EVENT_SCHEMA, "maxItems": listing.MAX_LIMIT},
        "next_cursor": {"type": ["string", "null"]},
        "previous_cursor": {"type": ["string", "null"]},
    },
    "additionalProperties": False,
}

FormT = TypeVar("FormT", bound=AskedForm)


@endpoint(
    "GET",
    summary=(
        "List the log-ins of the own account, the newest first. In the query: limit (1 to 100), "
        "cursor, outcome, since, until, ip_address, device."
    ),
    answers={200: PAGE_SCHEMA},
    errors=(VALIDATION_FAILED, NOT_WHILE_IMPERSONATING),
)
@not_while_impersonating
@sensitive_variables()
def list_events(request: HttpRequest) -> dict[str, Any]:
    """Return a page of events; `next_cursor` leads to older ones, `previous_cursor` to newer ones.

    Raises:
        ApiError: a filter or the cursor makes no sense.
    """
    form = _valid(ListForm, request)
    given = form.cleaned_data["limit"]
    page = listing.page(
        _user(request),
        filters=form.filters(),
        cursor=_cursor(form, request),
        limit=listing.DEFAULT_LIMIT if given is None else given,
    )
    current = sessions.current_id(request)
    return {
        "events": [shown(event, live=page.live, current=current) for event in page.events],
        "next_cursor": page.older,
        "previous_cursor": page.newer,
    }


@endpoint(
    "GET",
    summary=(
        "Download the log-ins of the own account, the newest first. In the query: format (json or "
        "csv), outcome, since, until, ip_address, device."
    ),
    answers={200: export.EXPORT_SCHEMA},
    errors=(VALIDATION_FAILED, RATE_LIMITED, NOT_WHILE_IMPERSONATING),
)
@not_while_impersonating
@sensitive_variables()
def export_events(request: HttpRequest) -> StreamingHttpResponse:
    """Stream all events that the filters leave.

    Raises:
        ApiError: a filter makes no sense, or too many of these requests.
        AuditUnavailable: the export cannot be recorded.
    """
    form = _valid(ExportForm, request)
    enforce(EXPORT_OPERATION, request)
    format, filters = form.cleaned_data["format"] or "json", form.filters()
    export.record_export(_user(request), filters, format=format)
    parts = PARTS[format](_user(request).pk, filters)
    content = export.later(parts) if isinstance(request, ASGIRequest) else parts
    response = StreamingHttpResponse(content, content_type=CONTENT_TYPES[format])
    name = f"login-history-{timezone.localdate():%Y-%m-%d}.{format}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    no_store(response)
    return response


@sensitive_variables()
def _valid(kind: type[FormT], request: HttpRequest) -> FormT:
    form = kind(request.GET)
    if not form.is_valid():
        raise validation_failed(errors_of(form))
    if unknown := sorted(set(request.GET) - set(form.fields)):
        raise validation_failed({name: [_("There is no such filter.")] for name in unknown})
    return form


def _cursor(form: ListForm, request: HttpRequest) -> Cursor | None:
    text = form.cleaned_data["cursor"]
    cursor = parse_cursor(text, _user(request).pk) if text else None
    if text and cursor is None:
        raise validation_failed({"cursor": [_("This is no cursor of this list.")]})
    return cursor


def _user(request: HttpRequest) -> AbstractBaseUser:
    return cast(AbstractBaseUser, request.user)
