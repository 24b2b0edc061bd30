"""`record` and `record_refusal`: from what happened to a finished row of the log."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import Error, connections, models, transaction
from django.views.decorators.debug import sensitive_variables

from bt_security.audit import pending
from bt_security.audit.actions import Action, OnError, registered
from bt_security.audit.canonical import canonical_json, clean_text
from bt_security.audit.circumstances import Circumstances, circumstances
from bt_security.audit.context import Actor, as_actor
from bt_security.audit.personal import seal_personal
from bt_security.audit.rows import VERSION, Row, finish, new_uid, row_hash, row_mac
from bt_security.audit.tags import address_tag
from bt_security.audit.writing import alias, store
from bt_security.conf import conf
from bt_security.exceptions import AuditUnavailable, BTSecurityError
from bt_security.keys import purpose_key, purpose_keys
from bt_security.models import Outcome
from bt_security.signals import Outcome as OutcomeName

logger = logging.getLogger("bt_security.audit")

MAC_PURPOSE = "audit-mac"
REASON_CHARS = 64
KIND_CHARS = 100
ID_CHARS = 64
LABEL_CHARS = 150

Target = models.Model | str | None
"""What an entry is about: a model instance, or "kind:id"."""

Who = AbstractBaseUser | Actor | str | None
"""Who acts: a user, or "kind:id" such as "task:nightly"; None = found by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """What the caller says; everything else of an entry is found."""

    action: Action
    target: Target
    outcome: Outcome
    reason: str
    details: Mapping[str, Any] | None
    actor: Actor | None
    personal: Mapping[str, str] = field(repr=False)
    subject: Target


@sensitive_variables("details", "personal", "event", "row")
def record(
    action: str,
    *,
    target: Target = None,
    outcome: OutcomeName = "success",
    reason: str = "",
    details: Mapping[str, Any] | None = None,
    actor: Who = None,
    personal: Mapping[str, str] | None = None,
    subject: Target = None,
) -> UUID | None:
    """Record what happened, in the caller's transaction, and return the entry's `uid`.

    `details` are JSON values; keys that speak of secrets are redacted, sizes bounded. `personal`
    is sealed with address, browser and log-in name under the data key of `subject`, by default
    the actor, else a target that is a user; erasing that person makes it unreadable. Where the
    feature "audit" is off nothing is recorded and None is returned.

    Raises:
        ValueError: `action` is not registered, or `actor` of no known kind.
        TypeError: `target` is neither a model instance nor a text.
        AuditUnavailable: the entry could not be stored, and the action's policy is "raise": the
            open transaction can only be rolled back.
    """
    if not conf.has_feature("audit"):
        return None
    event = _event(action, target, outcome, reason, details, actor, personal, subject)
    row = _finished(event, on_error=event.action.on_error)
    if row is None:
        return None
    pending.store_left()
    store([row], on_error=event.action.on_error)
    return row.uid


@sensitive_variables("details", "personal", "event", "row")
def record_refusal(
    action: str,
    *,
    target: Target = None,
    outcome: OutcomeName = "refused",
    reason: str = "",
    details: Mapping[str, Any] | None = None,
    actor: Who = None,
    personal: Mapping[str, str] | None = None,
    subject: Target = None,
) -> UUID | None:
    """Record what was refused or failed so that a rollback does not take the entry back.

    Outside a transaction it is stored at once. Inside one it waits, finished, until the end of
    the request or of the outermost `audit.actor` block, the commit, or the next entry that is
    recorded outside a transaction. What the database does not take goes to the spool: there is
    nothing left to refuse. Arguments and result are those of `record`.

    Raises:
        ValueError: `action` is not registered, or `actor` of no known kind.
        TypeError: `target` is neither a model instance nor a text.
    """
    if not conf.has_feature("audit"):
        return None
    event = _event(action, target, outcome, reason, details, actor, personal, subject)
    row = _finished(event, on_error="spool")
    if row is None:
        return None
    pending.store_or_wait(row)
    return row.uid


arecord = sync_to_async(record)
"""`record` for async code; it runs in the thread of the database."""

arecord_refusal = sync_to_async(record_refusal)
"""`record_refusal` for async code."""


def is_genuine(row: Row) -> bool:
    """Whether a finished row carries this site's MAC.

    Raises:
        KeyRefused, WrongKey: the key of its generation is not at hand.
    """
    digest = row_hash(row)
    secret = purpose_key(MAC_PURPOSE, row.mac_generation).secret
    return digest == row.row_hash and hmac.compare_digest(row_mac(digest, secret), row.mac)


def _event(
    action: str,
    target: Target,
    outcome: OutcomeName,
    reason: str,
    details: Mapping[str, Any] | None,
    actor: Who,
    personal: Mapping[str, str] | None,
    subject: Target,
) -> _Event:
    if not isinstance(target, models.Model | str | None):
        raise TypeError('target is a model instance or a text like "kind:id"')
    return _Event(
        action=registered(action),
        target=target,
        outcome=Outcome[outcome.upper()],
        reason=reason,
        details=details,
        actor=None if actor is None else as_actor(actor),
        personal=personal or {},
        subject=subject,
    )


@sensitive_variables("event")
def _finished(event: _Event, *, on_error: OnError) -> Row | None:
    """Return the row, or None where it could not be finished and the policy lets that pass."""
    try:
        return _row(event)
    except (Error, BTSecurityError) as error:
        failure = type(error).__name__
    if on_error == "raise":
        if connections[alias()].in_atomic_block:
            transaction.set_rollback(True, using=alias())
        raise AuditUnavailable(f"the entry {event.action.name} cannot be made: {failure}")
    logger.critical(
        "The audit log lost an entry, because it cannot be sealed (%s): %s %s %s",
        failure,
        event.action.name,
        event.outcome.label,
        canonical_json(event.details),
    )
    return None


def _row(event: _Event) -> Row:
    around = circumstances(event.actor)
    uid = new_uid()
    sealed, key_id = seal_personal(
        _personal(event, around), subject=_subject(event, around.actor), uid=uid
    )
    target_kind, target_id = _named(event.target)
    newest = purpose_keys(MAC_PURPOSE)[0]
    row = Row(
        uid=uid,
        recorded_at=datetime.now(UTC),
        action=event.action.name,
        outcome=int(event.outcome),
        severity=int(event.action.severity_of(event.outcome)),
        reason=clean_text(event.reason, max_chars=REASON_CHARS),
        actor_kind=int(around.actor.kind),
        actor_id=around.actor.id,
        via=around.actor.via,
        target_kind=target_kind,
        target_id=target_id,
        tenant=around.tenant,
        request_id=around.request_id,
        session_ref=around.session_ref,
        body=canonical_json(event.details),
        personal=sealed,
        subject_key=key_id,
        address_tag=address_tag(around.address),
        version=VERSION,
        mac_generation=newest.generation,
    )
    return finish(row, newest.secret)


def _personal(event: _Event, around: Circumstances) -> dict[str, str]:
    label = clean_text(around.actor.label, max_chars=LABEL_CHARS)
    return {
        "address": around.address,
        "agent": around.agent,
        "label": label,
        **{name: str(value) for name, value in event.personal.items()},
    }


def _subject(event: _Event, actor: Actor) -> str:
    """Return whose data the personal data are: who is named, else the actor, else the target."""
    named = event.subject if event.subject is not None else actor.subject or event.target
    if isinstance(named, models.Model):
        return f"user:{named.pk}" if isinstance(named, get_user_model()) else ""
    return named if named and named.startswith("user:") else ""


def _named(target: Target) -> tuple[str, str]:
    """Return kind and id of a target; "user:5" is the user model's, as an instance of it is."""
    if isinstance(target, models.Model):
        kind, target_id = target._meta.label_lower, str(target.pk)
    else:
        kind, _, target_id = (target or "").partition(":")
        kind = get_user_model()._meta.label_lower if kind == "user" else kind
    return clean_text(kind, max_chars=KIND_CHARS), clean_text(target_id, max_chars=ID_CHARS)
