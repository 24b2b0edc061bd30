"""The audit log as JSON, for programs of those who may read it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext as _

from bt_security.audit.reading.asking import PageForm
from bt_security.audit.reading.listing import read_page, record_reading
from bt_security.audit.reading.shown import shown
from bt_security.models import AuditEntry
from bt_security.web import endpoint
from bt_security.web.codes import VALIDATION_FAILED
from bt_security.web.form_data import errors_of, validation_failed

PERMISSION = f"{AuditEntry._meta.app_label}.view_auditentry"
SCOPE = "audit:read"
DEFAULT_LIMIT = 100
MAX_LIMIT = 500

_NOT_SHOWN = ("personal", "row_hash", "mac", "address_tag")
_TEXT = {"type": "string"}

ENTRY_SCHEMA = {
    "type": "object",
    "required": [
        "uid",
        "recorded_at",
        "action",
        "outcome",
        "severity",
        "reason",
        "actor_kind",
        "actor_id",
        "via",
        "target_kind",
        "target_id",
        "tenant",
        "request_id",
        "session_ref",
        "details",
    ],
    "properties": {
        "uid": {"type": "string", "format": "uuid"},
        "recorded_at": {"type": "string", "format": "date-time"},
        "action": _TEXT,
        "outcome": _TEXT,
        "severity": _TEXT,
        "reason": _TEXT,
        "actor_kind": _TEXT,
        "actor_id": _TEXT,
        "via": _TEXT,
        "target_kind": _TEXT,
        "target_id": _TEXT,
        "tenant": _TEXT,
        "request_id": _TEXT,
        "session_ref": _TEXT,
        "details": {"type": "object"},
    },
    "additionalProperties": False,
}
PAGE_SCHEMA = {
    "type": "object",
    "required": ["entries", "next_cursor"],
    "properties": {
        "entries": {"type": "array", "items": ENTRY_SCHEMA, "maxItems": MAX_LIMIT},
        "next_cursor": {"type": ["string", "null"]},
    },
    "additionalProperties": False,
}


@endpoint(
    "GET",
    summary=(
        "List entries of the audit log, the newest first. In the query: limit (1 to 500), cursor, "
        "actor, action, target, since, until."
    ),
    answers={200: PAGE_SCHEMA},
    errors=("FORBIDDEN", VALIDATION_FAILED),
    login="any",
    scope=SCOPE,
)
def list_entries(request: HttpRequest) -> dict[str, Any]:
    """Return a page of entries without personal data; `next_cursor` leads to older ones.

    Raises:
        PermissionDenied: not staff, or without `bt_security.view_auditentry`.
        ApiError: a filter makes no sense.
        AuditUnavailable: the reading cannot be recorded.
    """
    _judge(request)
    form = PageForm(request.GET)
    if not form.is_valid():
        raise validation_failed(errors_of(form))
    if unknown := sorted(set(request.GET) - set(form.fields)):
        raise validation_failed({name: [_("There is no such filter.")] for name in unknown})
    filters, before = form.filters(), form.cleaned_data["cursor"]
    page = read_page(filters.entries(), limit=_limit(form), before=before, without=_NOT_SHOWN)
    record_reading("json", filters, count=len(page.entries), before=before)
    return {
        "entries": [shown(entry) for entry in page.entries],
        "next_cursor": str(page.older) if page.older is not None else None,
    }


def _judge(request: HttpRequest) -> None:
    user = request.user
    if not (user.is_active and user.is_staff and user.has_perm(PERMISSION)):
        raise PermissionDenied


def _limit(form: PageForm) -> int:
    given = form.cleaned_data["limit"]
    return DEFAULT_LIMIT if given is None else max(1, min(given, MAX_LIMIT))
