"""An event's plain twin: its columns and indexes, as a model that any site could have."""

# ruff: noqa: DJ001, DJ008
from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class PlainEvent(models.Model):
    """The columns of a log-in, with nothing sealed."""

    uid = models.UUIDField(unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.CASCADE,
        db_index=False,
        related_name="+",
    )
    name_digest = models.CharField(max_length=80, blank=True)
    outcome = models.CharField(max_length=16)
    method = models.CharField(max_length=32, blank=True)
    happened_at = models.DateTimeField()
    device = models.ForeignKey(
        "bt_security.Device", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    device_label = models.CharField(max_length=100, blank=True)
    is_new_device = models.BooleanField(default=False)
    session_uuid = models.UUIDField(null=True)
    ip_address = models.GenericIPAddressField(null=True, db_index=True)
    user_agent = models.TextField(null=True)
    location_city = models.CharField(max_length=100, null=True)
    location_region = models.CharField(max_length=100, null=True)
    location_country = models.CharField(max_length=100, null=True)
    location_isp = models.CharField(max_length=100, null=True)
    location_point = models.CharField(max_length=40, null=True)
    travel_km = models.PositiveIntegerField(null=True)
    travel_kmh = models.PositiveIntegerField(null=True)
    disowned_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["user", "-happened_at", "-id"], name="bench_plain_user"),
            models.Index(fields=["-happened_at", "-id", "outcome"], name="bench_plain_time"),
        ]
