from __future__ import annotations

from django.db import models

from bt_security.fields import EncryptedTextField


class Letter(models.Model):
    body = EncryptedTextField()

    def __str__(self):
        return f"letter {self.pk}"
