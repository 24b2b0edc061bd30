"""The measured tables: an entry's plain twin, rows that are changed, and a locked chain."""

# ruff: noqa: DJ008
from __future__ import annotations

from typing import ClassVar

from django.db import models


class BareEntry(models.Model):
    """The columns and indexes of an entry, as a model that any site could have."""

    id = models.BigAutoField(primary_key=True)
    uid = models.UUIDField(unique=True)
    recorded_at = models.DateTimeField()
    action = models.CharField(max_length=64)
    outcome = models.SmallIntegerField()
    severity = models.SmallIntegerField()
    reason = models.CharField(max_length=64, blank=True)
    actor_kind = models.SmallIntegerField()
    actor_id = models.CharField(max_length=64, blank=True)
    via = models.CharField(max_length=100, blank=True)
    target_kind = models.CharField(max_length=100, blank=True)
    target_id = models.CharField(max_length=64, blank=True)
    tenant = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    session_ref = models.CharField(max_length=36, blank=True)
    body = models.TextField()
    personal = models.BinaryField()
    subject_key = models.BigIntegerField()
    address_tag = models.BinaryField()
    version = models.SmallIntegerField()
    mac_generation = models.IntegerField()
    row_hash = models.BinaryField()
    mac = models.BinaryField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["actor_id", "id"], name="bench_bare_actor"),
            models.Index(fields=["target_kind", "target_id", "id"], name="bench_bare_target"),
            models.Index(fields=["action", "id"], name="bench_bare_action"),
        ]


class Item(models.Model):
    """What the writers change; each has rows of its own."""

    value = models.IntegerField(default=0)


class Head(models.Model):
    """The one row that every writer of a locked chain waits for."""

    digest = models.BinaryField()
