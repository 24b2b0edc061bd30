"""The same table twice: audited, and as Django leaves it."""

from __future__ import annotations

from django.db import models

from bt_security.audit.capture import AuditedManager, audited


class Item(models.Model):
    """Eight columns, about 330 bytes."""

    name = models.CharField(max_length=100)
    owner_email = models.EmailField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    qty = models.IntegerField()
    active = models.BooleanField(default=True)
    note = models.TextField()
    updated = models.DateTimeField()
    code = models.CharField(max_length=40, unique=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class BareItem(Item):
    """Not audited."""


@audited()
class AuditedItem(Item):
    """Every change has an entry."""

    objects = AuditedManager()
