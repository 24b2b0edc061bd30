"""Browsers that an account is known by."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import models


class DeviceQuerySet(models.QuerySet["Device"]):
    """Questions about devices."""

    def known(self, *, since: datetime) -> DeviceQuerySet:
        """Those that are not revoked and were seen after `since`."""
        return self.filter(revoked_at=None, last_seen_at__gt=since)

    def not_seen_since(self, moment: datetime) -> DeviceQuerySet:
        """Those that nobody is known by any more, or revoked as long ago."""
        return self.filter(last_seen_at__lte=moment)

    def for_user(self, user_pk: Any) -> DeviceQuerySet:
        """Those of one user, the one seen last first."""
        return self.filter(user_id=user_pk).order_by("-last_seen_at", "-pk")

    def with_digest(self, digests: list[str]) -> DeviceQuerySet:
        """Those whose cookie has one of these digests; a browser may have several users."""
        return self.filter(digest__in=digests)


class Device(models.Model):
    """One browser of one user, recognised by a long-lived random cookie.

    `digest` is keyed and of the cookie's value, which is stored nowhere. `uuid` is the name under
    which the device may be shown and revoked.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", editable=False
    )
    digest = models.CharField(max_length=80, editable=False)
    label = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(editable=False)
    last_seen_at = models.DateTimeField(editable=False)
    trusted_until = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = DeviceQuerySet.as_manager()

    class Meta:
        db_table = "bt_security_device"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "digest"], name="bt_device_once_per_user")
        ]
        indexes: ClassVar = [models.Index(fields=["digest"], name="bt_device_digest")]

    def __str__(self) -> str:
        return f"device {self.uuid}"
