"""Passwords that somebody else knows: until when they work, and that they have to be changed."""

from __future__ import annotations

import hashlib

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models, router
from django.utils import timezone


class TemporaryPasswordQuerySet(models.QuerySet["TemporaryPassword"]):
    """Questions about passwords that have to be changed."""

    def tied_to(self, user: AbstractBaseUser | None) -> TemporaryPassword | None:
        """Return the row of the password that a user has, None if it need not be changed.

        One query, for nobody (None) as well.
        """
        encoded = "" if user is None else user.password
        rows = self.using(router.db_for_write(TemporaryPassword))  # a copy may be late
        found = rows.filter(digest=digest_of(encoded))  # of several, if a hash was copied
        return next((row for row in found if user is not None and row.user_id == user.pk), None)


class TemporaryPassword(models.Model):
    """The last password of a user that has to be changed before anything else.

    A temporary one, which works until `expires_at`; or one that somebody else may know, which works
    on: there `expires_at` is None. `digest` is that of the password's hash, so the row says nothing
    about any other password.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", editable=False
    )
    digest = models.CharField(max_length=64, db_index=True, editable=False)
    expires_at = models.DateTimeField(null=True, editable=False)

    objects = TemporaryPasswordQuerySet.as_manager()

    class Meta:
        db_table = "bt_security_temporary_password"

    def __str__(self) -> str:
        return f"password to change of user {self.user_id}"

    def is_over(self) -> bool:
        """Whether the password does not work any more."""
        return self.expires_at is not None and timezone.now() >= self.expires_at


def digest_of(encoded: str) -> str:
    """Return what ties a row to the hash of a password.

    Without a key: the hash is salted, and with another `SECRET_KEY` the password would not have to
    be changed any more.
    """
    return hashlib.sha256(encoded.encode("utf-8")).hexdigest()
