"""Models whose changes are recorded where the audit log is on."""

from __future__ import annotations

import uuid

from django.db import models

from bt_security import fields
from bt_security.audit.capture import AuditedManager, audited


class Tag(models.Model):
    """The other end of a relation, not audited itself."""

    name = models.CharField(max_length=20)

    def __str__(self):
        return self.name


@audited(mask=["iban"])
class Ledger(models.Model):
    """A column of every sort that matters here."""

    name = models.CharField(max_length=100)
    amount = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    quantity = models.IntegerField(default=0)
    note = models.TextField(blank=True, null=True)
    due = models.DateTimeField(null=True)
    code = models.CharField(max_length=20, unique=True, null=True)
    extra = models.JSONField(default=dict)
    paper = models.FileField(null=True)
    iban = models.CharField(max_length=34, blank=True, null=True)
    api_token = models.CharField(max_length=40, null=True)
    letter = fields.EncryptedTextField(null=True)
    form = fields.EncryptedJSONField(null=True)
    parent = models.ForeignKey("self", models.CASCADE, null=True)
    touched = models.DateTimeField(auto_now=True)
    tags = models.ManyToManyField(Tag)

    objects = AuditedManager()

    def __str__(self):
        return self.name


class LedgerProxy(Ledger):
    """A proxy of an audited model."""

    class Meta:
        proxy = True


class BigLedger(Ledger):
    """An heir of an audited model, with a table of its own."""

    size = models.IntegerField(default=0)


class Line(models.Model):
    """Goes with its ledger; not audited."""

    ledger = models.ForeignKey(Ledger, models.CASCADE)
    text = models.CharField(max_length=20)

    def __str__(self):
        return self.text


@audited(fields=["title", "readers"], mask=["readers"])
class Paper(models.Model):
    """An abstract base of which entries tell two fields."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    title = models.CharField(max_length=20)
    pages = models.IntegerField(default=0)
    readers = models.ManyToManyField(Tag)

    objects = AuditedManager()

    class Meta:
        abstract = True


class Memo(Paper):
    """Inherits what is audited."""

    ledger = models.ForeignKey(Ledger, models.CASCADE, null=True)


@audited(exclude=["hint", "viewers"])
class Safe(models.Model):
    """A key of its own, and encrypted columns bound to it."""

    slug = models.CharField(max_length=20, primary_key=True)
    hint = models.CharField(max_length=20, blank=True)
    content = fields.EncryptedTextField(bind_to=["slug"], null=True)
    papers = fields.EncryptedJSONField(bind_to=["slug"], null=True)
    viewers = models.ManyToManyField(Tag)

    objects = AuditedManager()

    def __str__(self):
        return self.slug
