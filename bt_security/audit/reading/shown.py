"""An entry as programs and people read it: names instead of numbers, details opened."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from bt_security.audit.rows import Row
from bt_security.models import ActorKind, AuditEntry, Outcome, Severity

UNREADABLE = "[unreadable]"

_OUTCOMES = {kind.value: kind.name.lower() for kind in Outcome}
_SEVERITIES = {kind.value: kind.name.lower() for kind in Severity}
_ACTOR_KINDS = {kind.value: kind.name.lower() for kind in ActorKind}


def shown(entry: AuditEntry | Row) -> dict[str, Any]:
    """Return what an entry says, without its personal data and without what proves it."""
    return {
        "uid": str(entry.uid),
        "recorded_at": iso(entry.recorded_at),
        "action": entry.action,
        "outcome": outcome_name(entry.outcome),
        "severity": _named(_SEVERITIES, entry.severity),
        "reason": entry.reason,
        "actor_kind": actor_kind_name(entry.actor_kind),
        "actor_id": entry.actor_id,
        "via": entry.via,
        "target_kind": entry.target_kind,
        "target_id": entry.target_id,
        "tenant": entry.tenant,
        "request_id": entry.request_id,
        "session_ref": entry.session_ref,
        "details": details(entry),
    }


def details(entry: AuditEntry | Row) -> dict[str, Any]:
    """Return the body as an object; one that is no JSON object stands under "[unreadable]".

    Only a body that was changed in the database is none, and that must not keep it from sight.
    """
    try:
        found = json.loads(entry.body)
    except (ValueError, RecursionError):
        return {UNREADABLE: entry.body}
    return found if isinstance(found, dict) else {UNREADABLE: entry.body}


def iso(moment: datetime) -> str:
    """Return a time as ISO 8601 in UTC with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def outcome_name(number: int) -> str:
    """Return the name that `record` takes for this outcome."""
    return _named(_OUTCOMES, number)


def actor_kind_name(number: int) -> str:
    """Return the name that `audit.actor` takes for this kind of actor."""
    return _named(_ACTOR_KINDS, number)


def _named(names: dict[int, str], number: int) -> str:
    return names.get(number, str(number))
