"""What a user allows to be kept of log-ins, and the end of what was kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models, router, transaction
from django.utils import timezone

from bt_security import audit
from bt_security.models import LoginEvent, PrivacySettings
from bt_security.models.login_event import LOCATION_FIELDS


def may_locate(user: AbstractBaseUser) -> bool:
    """Whether a user has allowed the places of log-ins to be looked up; one query."""
    return _choice(user.pk).filter(geolocation_enabled=True).exists()


def may_locate_event(event: LoginEvent) -> bool:
    """Whether the user allows it, did so when the log-in happened, and has erased nothing since."""
    rows = _choice(event.user_id)
    since = event.happened_at
    return rows.filter(geolocation_enabled=True, geolocation_since__lte=since).exists()


def set_geolocation(user: AbstractBaseUser, *, enabled: bool) -> bool:
    """Store a user's choice, and return whether it is another than before.

    Places of earlier log-ins are neither looked up nor deleted by it. Records `privacy.changed`,
    in the same transaction.

    Raises:
        AuditUnavailable: the entry could not be stored; nothing has changed.
    """
    now = timezone.now()
    with transaction.atomic(using=_alias(PrivacySettings)):
        if enabled:
            _choice(user.pk).get_or_create(user_id=user.pk)
        is_change = bool(
            _choice(user.pk)
            .filter(geolocation_enabled=not enabled)
            .update(geolocation_enabled=enabled, geolocation_since=now, changed_at=now)
        )
        if is_change:
            details = {"geolocation_enabled": enabled}
            audit.record("privacy.changed", target=user, details=details)
    return is_change


def erase_locations(user: AbstractBaseUser) -> int:
    """Delete the places of all log-ins of a user, and return how many had one.

    Log-ins of before are not located any more, even if that is under way. Records
    `privacy.locations_erased`, in the same transaction.

    Raises:
        AuditUnavailable: the entry could not be stored; nothing was deleted.
    """
    with transaction.atomic(using=_alias(LoginEvent)):
        _stop_what_is_under_way(user, timezone.now())
        rows = LoginEvent.objects.using(_alias(LoginEvent)).filter(user_id=user.pk)
        erased = rows.filter(_has_place()).count()
        # With those that a job may be about to fill: it stores first, then asks for consent.
        rows.filter(_has_place() | models.Q(is_new_device=True)).update(
            **dict.fromkeys(LOCATION_FIELDS), travel_km=None, travel_kmh=None
        )
        audit.record("privacy.locations_erased", target=user, details={"count": erased})
    return erased


def _stop_what_is_under_way(user: AbstractBaseUser, now: datetime) -> None:
    _choice(user.pk).update(geolocation_since=now)


def _has_place() -> models.Q:
    found = models.Q()
    for name in LOCATION_FIELDS:
        found |= models.Q(**{f"{name}__isnull": False})
    return found


def _choice(user_pk: Any) -> models.QuerySet[PrivacySettings]:
    """Return the row of a user, as the database has it that is written to: a copy may be late."""
    return PrivacySettings.objects.using(_alias(PrivacySettings)).filter(user_id=user_pk)


def _alias(model: type[models.Model]) -> str:
    return router.db_for_write(model)
