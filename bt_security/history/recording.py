"""`record`: from what happened at a log-in to an event of the history."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from bt_security.audit.canonical import clean_text
from bt_security.conf import conf
from bt_security.devices.labels import label_of
from bt_security.devices.remembering import noted
from bt_security.history import spool, storing
from bt_security.history.names import name_digest
from bt_security.history.waiting import store_or_wait, store_waiting
from bt_security.models import LoginEvent, LoginOutcome
from bt_security.net import client_ip

AGENT_CHARS = 400
METHOD_CHARS = 32


@sensitive_variables()
def record(
    *,
    user: AbstractBaseUser | None,
    outcome: LoginOutcome,
    request: HttpRequest | None,
    method: str = "password",
    typed_name: str = "",
) -> LoginEvent | None:
    """Record a log-in and return its event; None where it is not in the database (yet).

    A success is stored in the caller's transaction, and goes with it. What failed outlives a
    rollback: inside a transaction it waits for the end of it. What the database does not take goes
    to the spool, or to the log; nothing of that is the caller's concern. `typed_name` is kept as a
    keyed digest, and only where `user` is None. Nothing happens while the feature is off.
    """
    if not conf.has_feature("history"):
        return None
    try:
        event = _event(user, outcome, request, method, typed_name)
    except spool.FAILURES as error:
        spool.say_lost(outcome, user and user.pk, why=type(error).__name__)
        return None
    store_waiting()
    if outcome == LoginOutcome.SUCCESS:
        return storing.store(event, request)
    return store_or_wait(event, request)


def record_factor_failed(
    request: HttpRequest, user: AbstractBaseUser, *, method: str
) -> LoginEvent | None:
    """Record that a user's password was right and the second factor, `method`, was wrong.

    The user gets a mail of it. Otherwise as `record`.
    """
    return record(user=user, outcome=LoginOutcome.FACTOR_FAILED, request=request, method=method)


arecord_factor_failed = sync_to_async(record_factor_failed)
"""`record_factor_failed` for async code; it runs in the thread of the database."""


def replay_spool() -> int:
    """Store what waits in the spool, and return how many events that were.

    What is stored already is skipped, as are events of accounts that are gone since.
    """
    return storing.replay()


@sensitive_variables()
def _event(
    user: AbstractBaseUser | None,
    outcome: LoginOutcome,
    request: HttpRequest | None,
    method: str,
    typed_name: str,
) -> LoginEvent:
    """Return the event, not stored yet."""
    # Made for names of accounts as well: what an answer costs must not tell them from others.
    digest = name_digest(typed_name) if typed_name else ""
    agent = _agent(request)
    event = LoginEvent(
        user_id=None if user is None else user.pk,
        name_digest=digest if user is None else "",
        outcome=outcome,
        method=clean_text(method, max_chars=METHOD_CHARS),
        happened_at=timezone.now(),
        device_label=label_of(agent),
        ip_address=_address(request),
        user_agent=agent or None,
    )
    if request is not None and outcome == LoginOutcome.SUCCESS:
        _add_what_began(event, request)
    return event


def _add_what_began(event: LoginEvent, request: HttpRequest) -> None:
    """Add the session that a log-in has begun, and the device that it was noted for."""
    event.session_uuid = _session_uuid(request)
    found = noted(request)
    if found is not None and found.device.user_id == event.user_id:
        event.device_id = found.device.pk
        event.is_new_device = found.is_new


def _session_uuid(request: HttpRequest) -> UUID | None:
    """Return the id under which our lists show the session; other engines have none."""
    session: Any = getattr(request, "session", None)
    facts = getattr(session, "facts", None)
    return None if facts is None else UUID(facts.uuid)


def _address(request: HttpRequest | None) -> str | None:
    if request is None or "REMOTE_ADDR" not in request.META:
        return None
    return client_ip(request) or None


def _agent(request: HttpRequest | None) -> str:
    if request is None:
        return ""
    return clean_text(request.META.get("HTTP_USER_AGENT", ""), max_chars=AGENT_CHARS)
