"""`@audited` models and querysets that record what they change."""

from __future__ import annotations

from bt_security.audit.capture.bulk import AuditedManager, AuditedQuerySet
from bt_security.audit.capture.hooks import audited, connect

__all__ = ["AuditedManager", "AuditedQuerySet", "audited", "connect"]
