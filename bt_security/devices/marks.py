"""Revoke a device, or trust it for a while."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction
from django.db.transaction import Atomic
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
    with _one_transaction():
        if revoked.update(revoked_at=now, trusted_until=None):
            _report("device.revoked", device)
    device.revoked_at, device.trusted_until = now, None


def revoke_all(user: AbstractBaseUser) -> int:
    """Revoke every device of a user and return how many there were. Reports each of them."""
    with _one_transaction():
        devices = list(Device.objects.for_user(user.pk).filter(revoked_at=None))
        for device in devices:
            revoke(device)
    return len(devices)


def trust(device: Device, *, days: int | None = None) -> datetime:
    """Mark a device as trusted and return until when; `BT_SECURITY_DEVICES_TRUST_DAYS` by default.

    Reports `device.trusted`.

    Raises:
        Device.DoesNotExist: the device is revoked or forgotten.
    """
    until = timezone.now() + timedelta(days=conf.devices.trust_days if days is None else days)
    with _one_transaction():
        if not Device.objects.filter(pk=device.pk, revoked_at=None).update(trusted_until=until):
            raise Device.DoesNotExist("a device that is revoked or forgotten cannot be trusted")
        _report("device.trusted", device)
    device.trusted_until = until
    return until


def untrust(device: Device) -> None:
    """Take the trust mark away. Reports `device.untrusted`."""
    trusted = Device.objects.filter(pk=device.pk).exclude(trusted_until=None)
    with _one_transaction():
        if trusted.update(trusted_until=None):
            _report("device.untrusted", device)
    device.trusted_until = None


def is_trusted(device: Device | None) -> bool:
    """Whether a device is trusted at this moment; False for None and for a revoked one."""
    if device is None or device.revoked_at is not None or device.trusted_until is None:
        return False
    return device.trusted_until > timezone.now()


def _one_transaction() -> Atomic:
    """A change that cannot be reported is not made."""
    return transaction.atomic(using=router.db_for_write(Device))


def _report(action: str, device: Device) -> None:
    report(action, target=f"device:{device.uuid}", details={"user": str(device.user_id)})
