"""Check of models with `@audited`: bulk operations must not pass by the log."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from bt_security.checks.finding import finding
from bt_security.conf import conf


def check_managers(**_: Any) -> list[CheckMessage]:
    """Report audited models whose default manager records no bulk operation (W169)."""
    if not _is_on():
        return []
    silent = [model._meta.label for model in apps.get_models() if _is_silent(model)]
    if not silent:
        return []
    text = f"Bulk operations are not recorded: the managers of {', '.join(silent)}."
    hint = "Give these models `objects = AuditedManager()`, or a manager from AuditedQuerySet."
    return [finding("W169", text, hint=hint)]


def _is_on() -> bool:
    try:
        return conf.has_feature("audit")
    except ImproperlyConfigured:
        return False  # E001 and E002 say what is wrong


def _is_silent(model: type[models.Model]) -> bool:
    """Whether a model is audited, row by row only; both sides carry a mark of their own."""
    if not hasattr(model, "bt_audited"):
        return False
    return not hasattr(model._default_manager.get_queryset(), "records_bulk_operations")


AUDIT_CAPTURE_CHECKS = (check_managers,)
