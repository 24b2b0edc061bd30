"""Signals of the package; `security_event` is what the audit log listens to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from django.dispatch import Signal

Outcome = Literal["success", "refused", "failure"]
"""How a reported action ended."""

security_event = Signal()
"""Something happened that an auditor would want to know.

Sent by `report`, in the transaction of the action, with `action` (dotted name), `outcome`,
`target` ("kind:id" or "") and `details` (JSON values without secrets).
"""

credentials_changed = Signal()
"""What a user proves an identity with has changed: a factor was added, a trust withdrawn.

Sent with `user`, and with `request` whose session goes on (or None); all others of the user end.
"""

backup_restored = Signal()
"""The database is that of an earlier day; every session ends."""


def report(
    action: str,
    *,
    outcome: Outcome = "success",
    target: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Send `security_event`; an error in a receiver reaches the caller, so nothing is lost."""
    security_event.send(
        sender=None, action=action, outcome=outcome, target=target, details=dict(details or {})
    )
