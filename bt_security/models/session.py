"""Sessions, and the number per user that ends all of them at once."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone


class SessionQuerySet(models.QuerySet["Session"]):
    """Questions about sessions."""

    def with_digest(self, digests: list[str]) -> SessionQuerySet:
        """Those stored under one of these digests of a key."""
        return self.filter(digest__in=digests)

    def live(self, *, idle_since: datetime | None) -> SessionQuerySet:
        """Those of log-ins that would still be let in; `idle_since` is None without idle limit."""
        known = self.alias(current_epoch=Coalesce("user__bt_security_epoch__number", 0))
        found = known.filter(
            user__isnull=False, expires_at__gt=timezone.now(), epoch=models.F("current_epoch")
        )
        return found if idle_since is None else found.filter(last_seen_at__gt=idle_since)

    def for_user(self, user_pk: Any) -> SessionQuerySet:
        """Those of one user, the one used last first."""
        return self.filter(user_id=user_pk).order_by("-last_seen_at", "-pk")

    def over(self, *, idle_since: datetime | None) -> SessionQuerySet:
        """Those that have reached a limit, or ended with all of their user's."""
        ended = models.Q(expires_at__lte=timezone.now())
        ended |= models.Q(user__bt_security_epoch__number__gt=models.F("epoch"))
        if idle_since is not None:
            ended |= models.Q(last_seen_at__lte=idle_since)
        return self.filter(ended)


class Session(models.Model):
    """One session. Its key is in the browser's cookie only.

    `digest` is keyed and of that key, `sealed` is the content, which opens under this digest
    alone; it is empty where the cache holds it. `mark` tells lists whether the user has changed
    since the log-in; the one inside the content decides. `uuid` is the name under which a session
    may be shown and ended. `is_impersonated` tells lists that somebody else acts as the user; who,
    is inside the content.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    digest = models.CharField(max_length=80, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.CASCADE,
        related_name="+",
        editable=False,
    )
    epoch = models.BigIntegerField(default=0, editable=False)
    mark = models.CharField(max_length=64, blank=True, editable=False)
    sealed = models.TextField(blank=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    last_seen_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(editable=False)
    # The database knows the default: processes of the release before go on storing sessions.
    is_impersonated = models.BooleanField(default=False, db_default=False, editable=False)

    objects = SessionQuerySet.as_manager()

    class Meta:
        db_table = "bt_security_session"
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="bt_session_expires_at")]
        permissions: ClassVar = [("impersonate_user", "Can act as another user")]

    def __str__(self) -> str:
        return f"session {self.uuid}"


class SessionEpoch(models.Model):
    """Counts what ended the sessions of a user; older sessions carry lower numbers.

    `number` is for all of them, `rights` for changed groups and permissions, which the session
    that changed them may outlive.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="bt_security_epoch",
        editable=False,
    )
    number = models.BigIntegerField(default=0, editable=False)
    rights = models.BigIntegerField(default=0, editable=False)

    class Meta:
        db_table = "bt_security_session_epoch"

    def __str__(self) -> str:
        return f"epoch {self.number} of user {self.pk}"
