"""Leased primary-key ranges by which several rotation workers share one table."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class RotationRange(models.Model):
    """Rows of one table between two primary keys, worked on by one worker at a time.

    `first` (exclusive) and `last` (inclusive) are JSON texts of the primary key; "" is open-ended.
    `run` names what is rotated to (the sealing prefix), so that workers on several hosts meet.
    """

    table = models.CharField(max_length=200)
    run = models.CharField(max_length=40)
    first = models.TextField(blank=True)
    last = models.TextField(blank=True)
    worker = models.CharField(max_length=40, blank=True)
    leased_until = models.DateTimeField(null=True)
    finished = models.BooleanField(default=False)

    class Meta:
        db_table = "bt_security_rotation_range"
        indexes: ClassVar = [
            models.Index(fields=["table", "run"], name="bt_rotation_range_table_run")
        ]

    def __str__(self) -> str:
        return f"{self.table} {self.pk}"
