"""The audit log: what happened, who did it, and proof that nobody has changed it since."""

from __future__ import annotations

from bt_security.audit.actions import Action, all_actions, register
from bt_security.audit.names import register_all
from bt_security.audit.recording import arecord, arecord_refusal, record, record_refusal
from bt_security.audit.retention.erasing import erase
from bt_security.audit.scopes import actor
from bt_security.exceptions import AuditUnavailable

__all__ = [
    "Action",
    "AuditUnavailable",
    "actor",
    "all_actions",
    "arecord",
    "arecord_refusal",
    "erase",
    "record",
    "record_refusal",
    "register",
]

register_all()
