"""What is done in the admin: Django's own log is the source, and its bulk deletion the exception.

Django writes a `LogEntry` for every addition, change and deletion, but those of the action
"delete selected" go past the signals, so that action is wrapped.
"""

from __future__ import annotations

import json
from contextvars import ContextVar
from typing import Any

from django.contrib import admin
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.db import models, transaction
from django.db.models.signals import post_save
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy

from bt_security.audit.context import current_scope
from bt_security.audit.recording import record

ACTION = "delete_selected"
MAX_PKS = 100

_ACTIONS = {ADDITION: "admin.added", CHANGE: "admin.changed", DELETION: "admin.deleted"}
_is_in_bulk: ContextVar[bool] = ContextVar("bt_security_audit_admin_bulk", default=False)


def connect() -> None:
    """Connect to Django's log of the admin, and wrap its deletion of several rows."""
    post_save.connect(on_log_entry, sender=LogEntry, dispatch_uid="bt_security.audit.admin")
    admin.site.add_action(audited_delete_selected, ACTION)


def on_log_entry(*, instance: LogEntry, created: bool, **_: Any) -> None:
    """Record what Django's log says was done to one row."""
    if not created or _is_in_bulk.get() or instance.action_flag not in _ACTIONS:
        return
    record(
        _ACTIONS[instance.action_flag],
        target=f"{_kind(instance)}:{instance.object_id}",
        details={"fields": _changed_fields(instance)},
        actor=None if current_scope() else f"user:{instance.user_id}",
    )


@admin.action(
    permissions=["delete"], description=gettext_lazy("Delete selected %(verbose_name_plural)s")
)
def audited_delete_selected(
    modeladmin: admin.ModelAdmin[Any], request: HttpRequest, queryset: models.QuerySet[Any]
) -> HttpResponseBase | None:
    """Delete the selected rows as Django does, and record it as one entry."""
    pks = [str(pk) for pk in queryset.values_list("pk", flat=True)[: MAX_PKS + 1]]
    count = len(pks) if len(pks) <= MAX_PKS else queryset.count()
    token = _is_in_bulk.set(True)
    try:
        with transaction.atomic(using=queryset.db):
            answer: HttpResponseBase | None = delete_selected(modeladmin, request, queryset)
            if answer is None:
                record(
                    "admin.deleted",
                    target=queryset.model._meta.label_lower,
                    details={"count": count, "pks": pks[:MAX_PKS]},
                )
    finally:
        _is_in_bulk.reset(token)
    return answer


def _kind(entry: LogEntry) -> str:
    kind = entry.content_type
    return f"{kind.app_label}.{kind.model}" if kind is not None else ""


def _changed_fields(entry: LogEntry) -> list[str]:
    """Return the names that Django's message lists; a message of other code is plain text."""
    try:
        parts = json.loads(entry.change_message or "[]")
    except ValueError:
        return []
    named = [name for part in parts for name in part.get("changed", {}).get("fields", [])]
    return [str(name) for name in named]
