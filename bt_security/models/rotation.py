"""Leased primary-key ranges by which several rotation workers share one table."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone


class RotationRanges(models.QuerySet["RotationRange"]):
    """Questions a worker asks."""

    def free(self, table: str, run: str) -> RotationRanges:
        """Ranges of `table` in `run` that are neither finished nor leased by a live worker."""
        return self.filter(
            models.Q(leased_until=None) | models.Q(leased_until__lt=Now()),
            table=table,
            run=run,
            finished=False,
        ).order_by("pk")


class RotationRange(models.Model):
    """Rows of one table between two primary keys, worked on by one worker at a time.

    `first` and `last` are JSON texts of the primary key, both inclusive; NULL is open-ended.
    `run` names what is rotated to (the sealing prefix), so that workers on several hosts meet.
    """

    table = models.CharField(max_length=200)
    run = models.CharField(max_length=40)
    first = models.TextField(null=True)
    last = models.TextField(null=True)
    worker = models.CharField(max_length=40, blank=True)
    leased_until = models.DateTimeField(null=True)
    finished = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager[RotationRange]] = RotationRanges.as_manager()

    class Meta:
        db_table = "bt_security_rotation_range"
        indexes: ClassVar = [
            models.Index(fields=["table", "run"], name="bt_rotation_range_table_run")
        ]

    def __str__(self) -> str:
        return f"{self.table} {self.pk}"
