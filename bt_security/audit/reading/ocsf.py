"""Entries as events of the Open Cybersecurity Schema Framework, for a SIEM.

Source: OCSF 1.3.0, classes Detection Finding (2004), Account Change (3001), Authentication
(3002), Entity Management (3004), User Access Management (3005) and API Activity (6003).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bt_security import __version__
from bt_security.audit.actions import Action, registered
from bt_security.audit.reading.export import Exported
from bt_security.audit.reading.shown import details, outcome_name
from bt_security.audit.rows import microseconds
from bt_security.models import ActorKind, Outcome

OCSF_VERSION = "1.3.0"
PRODUCT = "django-bt-security"

DETECTION_FINDING = 2004
ACCOUNT_CHANGE = 3001
AUTHENTICATION = 3002
ENTITY_MANAGEMENT = 3004
USER_ACCESS = 3005
API_ACTIVITY = 6003
OTHER = 99

ACTIVITIES = {
    DETECTION_FINDING: {1, 2, 3},
    ACCOUNT_CHANGE: set(range(1, 12)),
    AUTHENTICATION: {1, 2, 3, 4, 5},
    ENTITY_MANAGEMENT: {1, 2, 3, 4},
    USER_ACCESS: {1, 2},
    API_ACTIVITY: {1, 2, 3, 4},
}
"""The numbers that `activity_id` may have in each class, besides 0 (unknown) and 99 (other)."""

_UNKNOWN = "unknown"
_PEOPLE = {ActorKind.USER, ActorKind.API_TOKEN}
_USER_TYPES = {ActorKind.USER: 1, ActorKind.API_TOKEN: 1, ActorKind.ANONYMOUS: 0}
_SYSTEM_TYPE = 3
_PERSON_WORDS = ("address", "agent", "label")


def ocsf_lines(entries: Iterable[Exported]) -> Iterator[str]:
    """Yield one line an entry: an OCSF event as JSON."""
    for entry in entries:
        yield f"{json.dumps(event(entry), separators=(',', ':'), ensure_ascii=True)}\n"


def event(entry: Exported) -> dict[str, Any]:
    """Return the entry as an event of its action's class; of an unknown action as API activity.

    Names and addresses are in it only where personal data was opened. What the class has no
    place for stands under `unmapped`.
    """
    row = entry.row
    action = _action(row.action)
    class_uid, activity = _class_and_activity(action)
    common: dict[str, Any] = {
        "class_uid": class_uid,
        "category_uid": class_uid // 1_000,
        "activity_id": activity,
        "type_uid": class_uid * 100 + activity,
        "severity_id": row.severity if 1 <= row.severity <= 5 else 0,
        "time": microseconds(row.recorded_at) // 1_000,
        "message": row.action,
        "metadata": _metadata(entry),
        "unmapped": _unmapped(entry, action),
    }
    if activity == OTHER:
        common["activity_name"] = row.action
    if class_uid != DETECTION_FINDING:
        common |= _status(entry)
    return common | _FILL[class_uid](entry)


def _class_and_activity(action: Action | None) -> tuple[int, int]:
    """Return both numbers; a host's action of a class that is not filled here is API activity."""
    if action is None or action.ocsf_class not in ACTIVITIES:
        return API_ACTIVITY, OTHER
    known = ACTIVITIES[action.ocsf_class]
    return action.ocsf_class, action.ocsf_activity if action.ocsf_activity in known else OTHER


def _action(name: str) -> Action | None:
    try:
        return registered(name)
    except ValueError:
        return None


def _metadata(entry: Exported) -> dict[str, Any]:
    row = entry.row
    found: dict[str, Any] = {
        "version": OCSF_VERSION,
        "product": {"name": PRODUCT, "vendor_name": PRODUCT, "version": __version__},
        "uid": str(row.uid),
        "event_code": row.action,
        "log_name": "bt_security.audit",
        "sequence": entry.entry_id,
    }
    if row.request_id:
        found["correlation_uid"] = row.request_id
    if row.tenant:
        found["tenant_uid"] = row.tenant
    return found


def _status(entry: Exported) -> dict[str, Any]:
    is_success = entry.row.outcome == Outcome.SUCCESS
    found: dict[str, Any] = {"status_id": 1 if is_success else 2}
    if entry.row.reason:
        found["status_detail"] = entry.row.reason
    return found


def _unmapped(entry: Exported, action: Action | None) -> dict[str, Any]:
    row = entry.row
    found: dict[str, Any] = {
        "outcome": outcome_name(row.outcome),
        "via": row.via,
        "target_kind": row.target_kind,
        "target_id": row.target_id,
        "details": details(row),
        "owasp": action.owasp if action is not None else "",
        "row_hash": row.row_hash.hex(),
        "seal": entry.seal,
    }
    personal = entry.personal
    if personal is not None:
        found["personal_missing"] = personal.missing
        found["personal"] = {k: v for k, v in personal.data.items() if k not in _PERSON_WORDS}
    return {name: value for name, value in found.items() if value not in ("", None, {})}


def _said(entry: Exported, name: str) -> str:
    return entry.personal.data.get(name, "") if entry.personal is not None else ""


def _actor(entry: Exported) -> dict[str, Any]:
    row = entry.row
    if row.actor_kind in _PEOPLE or row.actor_kind == ActorKind.ANONYMOUS:
        actor: dict[str, Any] = {"user": _acting_user(entry)}
    else:
        kind = _kind_name(row.actor_kind)
        actor = {
            "user": {"name": row.actor_id or kind, "type_id": _SYSTEM_TYPE},
            "app_name": f"{kind}:{row.actor_id}" if row.actor_id else kind,
        }
    if row.session_ref:
        actor["session"] = {"uid": row.session_ref}
    return actor


def _acting_user(entry: Exported) -> dict[str, Any]:
    row = entry.row
    kind = ActorKind(row.actor_kind)
    user: dict[str, Any] = {"type_id": _USER_TYPES[kind]}
    if row.actor_id:
        user["uid"] = row.actor_id
    label = _said(entry, "label") if kind in _PEOPLE else ""
    if label or not row.actor_id:
        user["name"] = label or kind.name.lower()
    return user


def _kind_name(number: int) -> str:
    return ActorKind(number).name.lower() if number in ActorKind.values else _UNKNOWN


def _user(entry: Exported) -> dict[str, Any]:
    """Return whom the event is about: the target if that is a person, else who acts."""
    row = entry.row
    is_actor = row.actor_kind in _PEOPLE and row.target_id in ("", row.actor_id)
    if is_actor or not row.target_id:
        return dict(_actor(entry)["user"])
    return {"uid": row.target_id, "type_id": 1}


def _entity(entry: Exported) -> dict[str, Any]:
    row = entry.row
    if not row.target_kind:
        return {"name": PRODUCT, "type": row.action.partition(".")[0]}
    return {"name": row.target_kind, "uid": row.target_id or row.target_kind}


def _source(entry: Exported) -> dict[str, Any]:
    address = _said(entry, "address")
    if address:
        return {"ip": address}
    tag = entry.row.address_tag.hex()
    return {"uid": tag} if tag else {"name": _UNKNOWN}


def _request(entry: Exported) -> dict[str, Any]:
    agent = _said(entry, "agent")
    return {"http_request": {"user_agent": agent}} if agent else {}


def _iam(entry: Exported) -> dict[str, Any]:
    return {"actor": _actor(entry), "src_endpoint": _source(entry), **_request(entry)}


def _account_change(entry: Exported) -> dict[str, Any]:
    return {**_iam(entry), "user": _user(entry)}


def _authentication(entry: Exported) -> dict[str, Any]:
    found = {**_iam(entry), "user": _user(entry), "service": {"name": PRODUCT}}
    if entry.row.session_ref:
        found["session"] = {"uid": entry.row.session_ref}
    return found


def _entity_management(entry: Exported) -> dict[str, Any]:
    return {**_iam(entry), "entity": _entity(entry)}


def _user_access(entry: Exported) -> dict[str, Any]:
    row = entry.row
    privilege = row.target_kind or row.action.partition(".")[0]
    return {**_iam(entry), "user": dict(_actor(entry)["user"]), "privileges": [privilege]}


def _api_activity(entry: Exported) -> dict[str, Any]:
    row = entry.row
    found = {**_iam(entry), "api": {"operation": row.action}}
    if row.request_id:
        found["api"]["request"] = {"uid": row.request_id}
    if row.target_kind:
        found["resources"] = [{"type": row.target_kind, "uid": row.target_id or row.target_kind}]
    return found


def _finding(entry: Exported) -> dict[str, Any]:
    row = entry.row
    info = {"uid": str(row.uid), "title": row.action, "types": [row.action]}
    if row.reason:
        info["desc"] = row.reason
    evidence = {"actor": _actor(entry), "src_endpoint": _source(entry)}
    return {"finding_info": info, "status_id": 1, "evidences": [evidence]}


_FILL: dict[int, Callable[[Exported], dict[str, Any]]] = {
    DETECTION_FINDING: _finding,
    ACCOUNT_CHANGE: _account_change,
    AUTHENTICATION: _authentication,
    ENTITY_MANAGEMENT: _entity_management,
    USER_ACCESS: _user_access,
    API_ACTIVITY: _api_activity,
}
