"""Log-ins that their account's owner knows nothing of."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction
from django.utils import timezone

from bt_security import audit, devices, sessions
from bt_security.models import Device, LoginEvent
from bt_security.passwords.required import require_change
from bt_security.sessions.store import SealedSession

ACTION = "history.disowned"


def disown(user: AbstractBaseUser, event_uid: UUID | None) -> None:
    """End what a log-in may still reach that its account's owner says was not theirs.

    All sessions of the user end: whoever knows the password may have begun several. The browser
    of the log-in is not known any more, the event is marked, and the next log-in leads to the
    change of the password where the site can do that. An event that was deleted meanwhile changes
    nothing of this. Recorded as `history.disowned`, all in one transaction.

    Raises:
        AuditUnavailable: it cannot be recorded, so nothing has changed.
    """
    alias = router.db_for_write(LoginEvent)
    with transaction.atomic(using=alias):
        found = LoginEvent.objects.using(alias).for_user(user.pk).filter(uid=cast(Any, event_uid))
        device_pk = found.values_list("device_id", flat=True).first()
        found.filter(disowned_at=None).update(disowned_at=timezone.now())
        _forget(device_pk)
        ended = sessions.revoke_all(user)
        is_asked = require_change(_as_it_is_now(user))
        details = {"event": str(event_uid), "sessions_ended": ended, "password_change": is_asked}
        audit.record(ACTION, target=user, details=details)


def ends_sessions() -> bool:
    """Whether sessions of this site can be ended: those of Django's engines only run out."""
    return issubclass(import_module(settings.SESSION_ENGINE).SessionStore, SealedSession)


def _forget(device_pk: int | None) -> None:
    device = Device.objects.filter(pk=device_pk).first() if device_pk is not None else None
    if device is not None:
        devices.revoke(device)


def _as_it_is_now(user: AbstractBaseUser) -> AbstractBaseUser:
    """Return the user with the password that is stored now: it may be another one meanwhile."""
    users = get_user_model()._base_manager.using(router.db_for_write(type(user)))
    return users.get(pk=user.pk)
