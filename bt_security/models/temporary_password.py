"""Until when a password works that somebody else has set."""

from __future__ import annotations

import hashlib

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models, router
from django.utils import timezone


class TemporaryPasswordQuerySet(models.QuerySet["TemporaryPassword"]):
    """Questions about temporary passwords."""

    def tied_to(self, user: AbstractBaseUser | None) -> TemporaryPassword | None:
        """Return the row of the password that a user has, None if it is no temporary one.

        One query, for nobody (None) as well.
        """
        encoded = "" if user is None else user.password
        rows = self.using(router.db_for_write(TemporaryPassword))  # a copy may be late
        found = rows.filter(digest=digest_of(encoded)).first()
        is_own = found is not None and user is not None and found.user_id == user.pk
        return found if is_own else None


class TemporaryPassword(models.Model):
    """The last temporary password of a user.

    `digest` is that of the password's hash, so the row says nothing about any other password.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", editable=False
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField(editable=False)

    objects = TemporaryPasswordQuerySet.as_manager()

    class Meta:
        db_table = "bt_security_temporary_password"

    def __str__(self) -> str:
        return f"temporary password of user {self.user_id}"

    def is_over(self) -> bool:
        """Whether the password does not work any more."""
        return timezone.now() >= self.expires_at


def digest_of(encoded: str) -> str:
    """Return what ties a row to the hash of a password.

    Without a key: the hash is salted, and with another `SECRET_KEY` the password would become a
    lasting one.
    """
    return hashlib.sha256(encoded.encode("utf-8")).hexdigest()
