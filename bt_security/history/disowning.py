"""Log-ins that their account's owner knows nothing of."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction
from django.db.models import Q
from django.utils import timezone

from bt_security import audit, devices, sessions, tokens
from bt_security.models import Device, FeedToken, LoginEvent
from bt_security.passwords.required import require_change
from bt_security.sessions.store import SealedSession

ACTION = "history.disowned"
LOST_AGE = timedelta(days=7)
"""How old an event is taken to be that was deleted: that is how long links are good."""


def disown(user: AbstractBaseUser, event_uid: UUID | None) -> None:
    """End what a log-in may still reach that its account's owner says was not theirs.

    All sessions of the user end: whoever knows the password may have begun several. API tokens and
    feeds that were made since then end, too, and browsers that came since then are not known any
    more. The event is marked, and the next log-in leads to the change of the password where the
    site can do that. An event that was deleted meanwhile is taken to be a week old. Recorded as
    `history.disowned`, all in one transaction.

    Raises:
        AuditUnavailable: it cannot be recorded, so nothing has changed.
    """
    alias = router.db_for_write(LoginEvent)
    with transaction.atomic(using=alias):
        found = LoginEvent.objects.using(alias).for_user(user.pk).filter(uid=cast(Any, event_uid))
        device_pk, since = found.values_list("device_id", "happened_at").first() or (None, None)
        found.filter(disowned_at=None).update(disowned_at=timezone.now())
        since = since or timezone.now() - LOST_AGE
        details = {
            "event": str(event_uid),
            "sessions_ended": sessions.revoke_all(user),
            "browsers_forgotten": _forget_browsers(user, since, device_pk),
            "tokens_ended": _end_tokens(user, since),
            "password_change": require_change(_as_it_is_now(user)),
        }
        audit.record(ACTION, target=user, details=details)


def ends_sessions() -> bool:
    """Whether sessions of this site can be ended: those of Django's engines only run out."""
    return issubclass(import_module(settings.SESSION_ENGINE).SessionStore, SealedSession)


def _forget_browsers(user: AbstractBaseUser, since: datetime, device_pk: int | None) -> int:
    is_suspect = Q(pk=device_pk) | Q(created_at__gte=since)
    found = list(Device.objects.for_user(user.pk).filter(is_suspect, revoked_at=None))
    for device in found:
        devices.revoke(device)
    return len(found)


def _end_tokens(user: AbstractBaseUser, since: datetime) -> int:
    """End the API tokens and feeds whose secrets were made since then, and count them."""
    found = [t for t in tokens.api.for_user(user) if (t.rotated_at or t.created_at) >= since]
    for token in found:
        tokens.api.revoke(token)
    own = FeedToken.objects.filter(user_id=user.pk, created_at__gte=since)
    feeds = list(own.values_list("feed", flat=True))
    for feed in feeds:
        tokens.feeds.revoke(user, feed)
    return len(found) + len(feeds)


def _as_it_is_now(user: AbstractBaseUser) -> AbstractBaseUser:
    """Return the user with the password that is stored now: it may be another one meanwhile."""
    users = get_user_model()._base_manager.using(router.db_for_write(type(user)))
    return users.get(pk=user.pk)
