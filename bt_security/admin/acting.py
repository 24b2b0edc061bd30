"""Who acts in the admin, for entries of the audit log."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from bt_security.audit.context import current_scope


def actor_of(request: HttpRequest) -> Any:
    """Return who acts, where no scope of the request says so."""
    return None if current_scope() else request.user
