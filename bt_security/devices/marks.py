"""Revoke a device, or trust it for a while."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import timezone

from bt_security.conf import conf
from bt_security.models import Device
from bt_security.signals import report


def revoke(device: Device) -> None:
    """Make a device unknown, and its trust void; its cookie is worth nothing afterwards.

    Reports `device.revoked`. Twice is harmless.
    """
    now = timezone.now()
    revoked = Device.objects.filter(pk=device.pk, revoked_at=None)
    if revoked.update(revoked_at=now, trusted_until=None):
        report("device.revoked", target=_target(device), details={"user": str(device.user_id)})
    device.revoked_at, device.trusted_until = now, None


def revoke_all(user: AbstractBaseUser) -> int:
    """Revoke every device of a user and return how many there were. Reports each of them."""
    devices = list(Device.objects.for_user(user.pk).filter(revoked_at=None))
    for device in devices:
        revoke(device)
    return len(devices)


def trust(device: Device, *, days: int | None = None) -> datetime:
    """Mark a device as trusted and return until when; `BT_SECURITY_DEVICES_TRUST_DAYS` by default.

    Reports `device.trusted`. A revoked device stays what it is.
    """
    until = timezone.now() + timedelta(days=conf.devices.trust_days if days is None else days)
    if Device.objects.filter(pk=device.pk, revoked_at=None).update(trusted_until=until):
        device.trusted_until = until
        report("device.trusted", target=_target(device), details={"user": str(device.user_id)})
    return until


def untrust(device: Device) -> None:
    """Take the trust mark away. Reports `device.untrusted`."""
    if Device.objects.filter(pk=device.pk).exclude(trusted_until=None).update(trusted_until=None):
        report("device.untrusted", target=_target(device), details={"user": str(device.user_id)})
    device.trusted_until = None


def is_trusted(device: Device | None) -> bool:
    """Whether a device is trusted at this moment; False for None and for a revoked one."""
    if device is None or device.revoked_at is not None or device.trusted_until is None:
        return False
    return device.trusted_until > timezone.now()


def _target(device: Device) -> str:
    return f"device:{device.uuid}"
