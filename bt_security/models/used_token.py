"""Uses of signed tokens: the unique row is what makes a token single-use."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.db import models


class UsedTokenQuerySet(models.QuerySet["UsedToken"]):
    """Questions about uses."""

    def of_token(self, token_id: UUID) -> UsedTokenQuerySet:
        """Those of one token."""
        return self.filter(token_id=token_id)

    def expired_before(self, moment: datetime) -> UsedTokenQuerySet:
        """Those of tokens that ended before a moment, the oldest first."""
        return self.filter(expires_at__lt=moment).order_by("expires_at")


class UsedToken(models.Model):
    """One use of a signed token; number 0 says that the token was revoked.

    Two uses with one number exclude each other by the constraint, whichever process they are in.
    """

    token_id = models.UUIDField(editable=False)
    use_number = models.PositiveSmallIntegerField(editable=False)
    purpose = models.CharField(max_length=40, editable=False)
    used_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(editable=False)

    objects = UsedTokenQuerySet.as_manager()

    class Meta:
        db_table = "bt_security_used_token"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["token_id", "use_number"], name="bt_token_used_once")
        ]
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="bt_used_token_expires_at")]

    def __str__(self) -> str:
        return f"use {self.use_number} of {self.purpose} token {self.token_id}"
