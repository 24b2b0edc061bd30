"""The measured tables: each sealed one has a plain twin."""

# ruff: noqa: DJ008
from __future__ import annotations

from typing import Any

from django.db import models

from bt_security.fields import BlindIndexField, EncryptedTextField


class UncheckedTextField(EncryptedTextField):
    """The encrypted field without the CHECK that refuses plaintext."""

    def db_check(self, connection: Any) -> None:
        return None


class Plain(models.Model):
    body = models.TextField()


class Row(models.Model):
    body = EncryptedTextField()


class LargePlain(models.Model):
    body = models.TextField()


class LargeRow(models.Model):
    body = EncryptedTextField()


class UncheckedRow(models.Model):
    body = UncheckedTextField()


class IndexedPlain(models.Model):
    body = models.TextField(db_index=True)


class IndexedRow(models.Model):
    body = EncryptedTextField(lookup="exact")
    body_index = BlindIndexField(source="body", db_index=True)


class OwnedRow(models.Model):
    owner = models.BigIntegerField()
    body = EncryptedTextField()


class BoundRow(models.Model):
    owner = models.BigIntegerField()
    body = EncryptedTextField(bind_to=("owner",))
