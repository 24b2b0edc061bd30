"""Legal holds: entries that are not pruned, and people whose data are not erased."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Q

from bt_security.audit.canonical import clean_text
from bt_security.audit.recording import ID_CHARS, KIND_CHARS
from bt_security.conf import conf
from bt_security.conf.audit_holds import Hold, parse_hold


def holds() -> list[Hold]:
    """Return the holds of BT_SECURITY_AUDIT_LEGAL_HOLDS.

    Raises:
        ImproperlyConfigured: one is malformed: which entries it means must not be guessed.
    """
    try:
        return [parse_hold(text) for text in conf.audit.legal_holds]
    except ValueError as error:
        raise ImproperlyConfigured(f"BT_SECURITY_AUDIT_LEGAL_HOLDS: {error}.") from None


def held_entries() -> Q | None:
    """Return the condition that held entries meet, None where nothing is held.

    Raises:
        ImproperlyConfigured: as `holds`.
    """
    condition: Q | None = None
    for hold in holds():
        one = _condition(hold)
        condition = one if condition is None else condition | one
    return condition


def holds_user(user_id: str) -> bool:
    """Whether a hold names this user, as an actor or as a target.

    Raises:
        ImproperlyConfigured: as `holds`.
    """
    user = get_user_model()._meta.label_lower
    return any(
        hold.id == user_id and (hold.kind == "actor" or hold.target_kind == user)
        for hold in holds()
    )


def _condition(hold: Hold) -> Q:
    """Compare with what the columns have: texts are cut and escaped when they are recorded."""
    held_id = clean_text(hold.id, max_chars=ID_CHARS)
    if hold.kind == "target":
        return Q(target_kind=clean_text(hold.target_kind, max_chars=KIND_CHARS), target_id=held_id)
    return Q(tenant=held_id) if hold.kind == "tenant" else Q(actor_id=held_id)
