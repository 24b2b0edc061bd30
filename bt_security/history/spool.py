"""Events that the database did not take: one file each, sealed, until they can be stored."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import Error
from django.views.decorators.debug import sensitive_variables

from bt_security.audit.spool_files import SpoolFiles
from bt_security.conf import conf
from bt_security.exceptions import BTSecurityError
from bt_security.fields import Sealed
from bt_security.keys import keyed_digest, keyed_digests
from bt_security.models import Device, LoginEvent

logger = logging.getLogger("bt_security.history")

PURPOSE = "login-spool"
COLUMNS = (
    *("uid", "user_id", "name_digest", "outcome", "method", "happened_at"),
    *("device_id", "device_label", "is_new_device", "session_uuid"),
)
SEALED_COLUMNS = ("ip_address", "user_agent")

FAILURES = (Error, BTSecurityError, ImproperlyConfigured)
"""What may go wrong: the database, the keys, and the settings that both are found by."""

_files = SpoolFiles(lambda: conf.history.spool_dir, logger, "events")


@sensitive_variables("event")
def keep(event: LoginEvent, *, why: str) -> None:
    """Write an event to the spool and say so loudly; without a spool the line has it whole.

    Address and browser are sealed as in the table; an event that cannot be sealed is lost.
    """
    try:
        text = _as_json(event)
    except FAILURES as error:
        say_lost(event.outcome, event.user_id, why=f"{why}, {type(error).__name__}")
        return
    try:
        is_kept = _files.keep(f"{event.happened_at:%Y%m%d%H%M%S%f}-{event.uid.hex}", text)
    except OSError as error:
        why, is_kept = f"{why}, spool: {type(error).__name__}", False
    if is_kept:
        logger.critical("The login history did not take an event (%s); it waits in the spool.", why)
    else:
        logger.critical("The login history did not take this event (%s): %s", why, text)


def say_lost(outcome: str, user_pk: Any, *, why: str) -> None:
    """Log all that is left of an event: whose log-in it was, and what became of it."""
    logger.critical("The login history lost a %s of user %s (%s).", outcome, user_pk, why)


def waiting() -> list[Path]:
    """Return the files that wait, the oldest first."""
    return _files.waiting()


def replay(*, using: str, max_files: int | None = None) -> int:
    """Store what waits and return how many events that were; what is stored already is skipped.

    So are events of an account that is gone: they would have gone with it. A file that does not
    carry the MAC of this site is renamed and logged.
    """

    def store(events: list[LoginEvent]) -> int:
        return sum(_store(event, using) for event in events)

    return _files.replay(_genuine, store, using=using, max_files=max_files)


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


def _as_json(event: LoginEvent) -> str:
    """Return the event as one line of JSON with a MAC, sealed columns sealed.

    Raises:
        BTSecurityError, Error: it cannot be sealed.
    """
    columns = {name: getattr(event, name) for name in COLUMNS}
    for name in SEALED_COLUMNS:
        field: Any = LoginEvent._meta.get_field(name)
        sealed = field.pre_save(event, True)
        columns[name] = None if sealed is None else sealed.text
    columns["happened_at"] = event.happened_at.isoformat(timespec="microseconds")
    plain = {name: value if value is None else str(value) for name, value in columns.items()}
    plain["is_new_device"] = "1" if event.is_new_device else ""
    return _canonical(plain | {"mac": keyed_digest(PURPOSE, _canonical(plain).encode())})


def _canonical(columns: Mapping[str, str | None]) -> str:
    return json.dumps(columns, separators=(",", ":"), sort_keys=True)


def _genuine(text: str) -> list[LoginEvent]:
    """Return the event of a file's text, none if it is not of this log.

    Raises:
        BTSecurityError: the key of the MAC is not at hand.
    """
    try:
        columns = json.loads(text)
        mac = str(columns.pop("mac")).encode()
        content = _canonical(columns).encode()
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return []
    if not any(hmac.compare_digest(mac, d.encode()) for d in keyed_digests(PURPOSE, content)):
        return []
    return [_event(columns)]


def _event(columns: Mapping[str, str | None]) -> LoginEvent:
    values: dict[str, Any] = {}
    fields: list[Any] = list(LoginEvent._meta.concrete_fields)
    for field in fields:
        text = columns.get(field.attname)
        if field.attname in SEALED_COLUMNS:
            values[field.attname] = None if text is None else Sealed(text)
        elif field.attname in COLUMNS and field.attname != "is_new_device":
            target = field.target_field if field.remote_field else field
            values[field.attname] = None if text is None else target.to_python(text)
    return LoginEvent(**values | {"is_new_device": bool(columns["is_new_device"])})
