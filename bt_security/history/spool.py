"""Events that the database did not take: one file each, sealed, until they can be stored."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import Error
from django.views.decorators.debug import sensitive_variables

from bt_security.audit.spool_files import SpoolFiles
from bt_security.conf import conf
from bt_security.crypto import aad_tail, parse_sealed
from bt_security.exceptions import BTSecurityError, NotSealed, Tampered
from bt_security.keys import opener, ring
from bt_security.models import Device, LoginEvent

logger = logging.getLogger("bt_security.history")

COLUMNS = (
    *("uid", "user_id", "name_digest", "outcome", "method", "happened_at"),
    *("device_id", "device_label", "is_new_device", "session_uuid", "ip_address", "user_agent"),
)

_TAIL = aad_tail("bt_security.history.spool")

FAILURES = (Error, BTSecurityError, ImproperlyConfigured)
"""What may go wrong: the database, the keys, and the settings that both are found by."""

_files = SpoolFiles(lambda: conf.history.spool_dir, logger, "events")


@sensitive_variables("event")
def keep(event: LoginEvent, *, why: str) -> None:
    """Write an event to the spool and say so loudly; without a spool the line has it whole.

    It is sealed as a whole, with the key that seals columns: a key of its own might be one that
    nobody can make while the disk is full. An event that cannot be sealed is lost.
    """
    try:
        text = _seal(event)
    except FAILURES as error:
        say_lost(event.outcome, event.user_id, why=f"{why}, {type(error).__name__}")
        return
    try:
        is_kept = _files.keep(f"{event.happened_at:%Y%m%d%H%M%S%f}-{event.uid.hex}", text)
    except OSError as error:
        why, is_kept = f"{why}, spool: {type(error).__name__}", False
    what = (event.outcome, event.user_id, why)
    if is_kept:
        logger.critical(
            "The login history did not take a %s of user %s (%s); it waits in the spool.", *what
        )
    else:
        logger.critical("The login history did not take this %s of user %s (%s): %s", *what, text)


def say_lost(outcome: str, user_pk: Any, *, why: str) -> None:
    """Log all that is left of an event: whose log-in it was, and what became of it."""
    logger.critical("The login history lost a %s of user %s (%s).", outcome, user_pk, why)


def waiting() -> list[Path]:
    """Return the files that wait, the oldest first."""
    return _files.waiting()


def replay(*, using: str, max_files: int | None = None) -> int:
    """Store what waits and return how many events that were; what is stored already is skipped.

    So are events of an account that is gone: they would have gone with it. A file that was not
    sealed here is renamed and logged.
    """

    def store(events: list[LoginEvent]) -> int:
        return sum(_store(event, using) for event in events)

    return _files.replay(_opened, store, using=using, max_files=max_files)


def _store(event: LoginEvent, using: str) -> int:
    if LoginEvent.objects.using(using).filter(uid=event.uid).exists():
        return 0
    if event.user_id is not None:
        users = get_user_model()._base_manager.using(using)
        if not users.filter(pk=event.user_id).exists():
            return 0
    devices = Device.objects.using(using)
    if event.device_id is not None and not devices.filter(pk=event.device_id).exists():
        event.device_id = None
    event.save(force_insert=True, using=using)
    return 1


@sensitive_variables()
def _seal(event: LoginEvent) -> str:
    """Return the event as one sealed line.

    Raises:
        BTSecurityError, Error, ImproperlyConfigured: it cannot be sealed.
    """
    values = {name: getattr(event, name) for name in COLUMNS}
    texts = {name: None if value is None else str(value) for name, value in values.items()}
    return ring().sealing_key.seal(json.dumps(texts).encode(), tail=_TAIL)


@sensitive_variables()
def _opened(text: str) -> list[LoginEvent]:
    """Return the event of a file's text, none if it is not of this log.

    Raises:
        WrongKey, RetiredKey: the key that it was sealed with is not at hand.
    """
    try:
        envelope = parse_sealed(text)
        content = opener(envelope.prefix).open(envelope, tail=_TAIL)
    except (NotSealed, Tampered):
        return []
    texts = json.loads(content)
    fields: list[Any] = list(LoginEvent._meta.concrete_fields)
    known = {field.attname: field for field in fields if field.attname in texts}
    return [LoginEvent(**{name: _value(known[name], texts[name]) for name in known})]


def _value(field: Any, text: str | None) -> Any:
    column = field.target_field if field.remote_field else field
    return None if text is None else column.to_python(text)
