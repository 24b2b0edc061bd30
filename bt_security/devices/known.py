"""Which device a request comes from."""

from __future__ import annotations

import logging
import unicodedata
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import FieldError, MultipleObjectsReturned, ObjectDoesNotExist
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from bt_security.conf import conf
from bt_security.devices.cookie import looked_up_digests, sent_token
from bt_security.exceptions import BTSecurityError
from bt_security.models import Device

logger = logging.getLogger("bt_security.devices")

SEEN_EVERY = timedelta(days=1)
"""How often the time a device was last seen is written, at most."""

_ATTRIBUTE = "_bt_security_device"


def identify(request: HttpRequest) -> Device | None:
    """Return the device of the logged-in user that the request comes from, None if unknown.

    Asks the database once per request, and only when the browser sent a device cookie. Writes the
    time it was seen at most once a day.
    """
    user: Any = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    found: tuple[Any, Device | None] | None = getattr(request, _ATTRIBUTE, None)
    if found is None or found[0] != user.pk:
        found = (user.pk, _device_of(request, user))
        setattr(request, _ATTRIBUTE, found)
    return found[1]


def is_known(request: HttpRequest, account: str) -> str:
    """Return the id of the device by which an account knows the browser, "" if it does not.

    `account` is a log-in name or mail address as somebody typed it. It is compared with the
    owners of the sent cookie, and looked up only where one of them answers to it, so unknown names
    cost and tell the same. A name that leads to somebody else, or an address that somebody else has
    too, is not the owner's: whoever makes an account like yours gets no way around your limit.
    """
    token = sent_token(request)
    if not token or not account:
        return ""
    for device in with_token(token).select_related("user"):
        if _is_meant(device.user, account):
            return str(device.uuid)
    return ""


def for_user(user: AbstractBaseUser) -> list[Device]:
    """Return the devices that a user is known by, the one seen last first."""
    return list(Device.objects.for_user(user.pk).known(since=oldest()))


def find(user: AbstractBaseUser, uuid: Any) -> Device | None:
    """Return one device of a user, None if it is revoked, too old or somebody else's."""
    return Device.objects.for_user(user.pk).known(since=oldest()).filter(uuid=uuid).first()


def with_token(token: str) -> QuerySet[Device]:
    """Return the rows that a cookie stands for: one for each user of the browser.

    None where the key of the digests cannot be read: a cookie must not be able to stop a log-in.
    """
    try:
        digests = looked_up_digests(token)
    except BTSecurityError as error:
        logger.error("No browser is known here (%s: %s).", type(error).__name__, error)
        return Device.objects.none()
    return Device.objects.with_digest(digests).known(since=oldest())


def oldest() -> datetime:
    """Return the time before which a device that was not seen since counts as unknown."""
    return timezone.now() - timedelta(days=conf.devices.cookie_age_days)


def _device_of(request: HttpRequest, user: AbstractBaseUser) -> Device | None:
    token = sent_token(request)
    device = with_token(token).filter(user_id=user.pk).first() if token else None
    now = timezone.now()
    if device is not None and device.last_seen_at <= now - SEEN_EVERY:
        # The old value is compared, so that of several requests one writes.
        Device.objects.filter(pk=device.pk, last_seen_at=device.last_seen_at).update(
            last_seen_at=now
        )
        device.last_seen_at = now
    return device


def _is_meant(user: AbstractBaseUser, typed: str) -> bool:
    """Whether a user, and nobody else, is whom a typed name is about."""
    field = user.get_email_field_name()
    mail = getattr(user, field, "")
    names = [name for name in (user.get_username(), mail) if isinstance(name, str) and name]
    if _spelt(typed) not in map(_spelt, names):
        return False
    users: Any = get_user_model()._default_manager
    try:
        found = users.get_by_natural_key(typed)
    except ObjectDoesNotExist:
        return not _is_shared(user, field, mail)
    except MultipleObjectsReturned:
        return False
    return bool(found.pk == user.pk)


def _is_shared(user: AbstractBaseUser, field: str, mail: Any) -> bool:
    """Whether somebody else has the same address, or may: not every field can be searched."""
    if not mail:
        return False
    others = get_user_model()._base_manager.exclude(pk=user.pk)
    try:
        return others.filter(**{f"{field}__iexact": mail}).exists()
    except FieldError:
        return True


def _spelt(name: str) -> str:
    """Return a name without the differences that people do not mind when they type their own."""
    return unicodedata.normalize("NFKC", name).casefold().strip()
