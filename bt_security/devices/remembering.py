"""Make a browser known to the user who has logged in with it."""

from __future__ import annotations

from typing import NamedTuple

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from bt_security.conf import conf
from bt_security.devices.cookie import new_token, sent_token, set_cookie, stored_digest
from bt_security.devices.known import with_token
from bt_security.devices.labels import label_of
from bt_security.models import Device
from bt_security.signals import report

_TOKEN = "_bt_security_device_token"  # noqa: S105 - the name of an attribute
_NOTED = "_bt_security_noted_device"


class Noted(NamedTuple):
    """What a log-in has made of a browser: its device, and whether it was unknown before."""

    device: Device
    is_new: bool


def remember(request: HttpRequest, response: HttpResponseBase, user: AbstractBaseUser) -> Device:
    """Make the browser known to a user, and send it its cookie.

    Raises:
        KeyRefused: this process may not make the key of the digests.
    """
    device = note_login(request, user)
    send_cookie(request, response)
    return device


def note_login(request: HttpRequest, user: AbstractBaseUser) -> Device:
    """Store that a user has logged in with this browser; `send_cookie` does the rest.

    A browser that the user is not known by gets a new token, whatever cookie it sent: a value
    that somebody else planted there is worth nothing afterwards. Its other users move along.

    Raises:
        KeyRefused: this process may not make the key of the digests.
    """
    token = getattr(request, _TOKEN, "") or sent_token(request)
    device = with_token(token).filter(user_id=user.pk).first() if token else None
    is_new = device is None
    if device is not None:
        _refresh(device, token, request)
    else:
        token, device = _add(request, user, old_token=token)
    setattr(request, _TOKEN, token)
    setattr(request, _NOTED, Noted(device, is_new))
    return device


def noted(request: HttpRequest) -> Noted | None:
    """Return what `note_login` has stored for this request, None if nothing. No I/O."""
    found: Noted | None = getattr(request, _NOTED, None)
    return found


def send_cookie(request: HttpRequest, response: HttpResponseBase) -> None:
    """Set the cookie on the answer to a request that logged somebody in. No I/O."""
    token: str = getattr(request, _TOKEN, "")
    if token:
        set_cookie(request, response, token)


def _refresh(device: Device, token: str, request: HttpRequest) -> None:
    device.last_seen_at = timezone.now()
    device.label = _label(request)
    device.digest = stored_digest(token)  # under the newest key from now on
    device.save(update_fields=["last_seen_at", "label", "digest"])


def _add(request: HttpRequest, user: AbstractBaseUser, *, old_token: str) -> tuple[str, Device]:
    token, now = new_token(), timezone.now()
    digest = stored_digest(token)
    with transaction.atomic(using=router.db_for_write(Device)):
        if old_token:
            with_token(old_token).update(digest=digest)
        device = Device.objects.create(
            user_id=user.pk, digest=digest, label=_label(request), created_at=now, last_seen_at=now
        )
        _forget_surplus(user)
        report("device.added", target=f"device:{device.uuid}", details={"user": str(user.pk)})
    return token, device


def _forget_surplus(user: AbstractBaseUser) -> None:
    own = Device.objects.for_user(user.pk).values_list("pk", flat=True)
    surplus = list(own[conf.devices.max_per_user :])
    if surplus:
        Device.objects.filter(pk__in=surplus).delete()


def _label(request: HttpRequest) -> str:
    return label_of(request.META.get("HTTP_USER_AGENT", ""))
