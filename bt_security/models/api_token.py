"""API tokens of users: the digest of the secret, and what it may do."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Questions about API tokens."""

    def live(self, *, at: datetime) -> ApiTokenQuerySet:
        """Those that are neither revoked nor expired."""
        return self.filter(revoked_at=None, expires_at__gt=at)

    def dead_before(self, moment: datetime) -> ApiTokenQuerySet:
        """Those that were revoked or had expired before a moment."""
        return self.filter(models.Q(revoked_at__lt=moment) | models.Q(expires_at__lt=moment))

    def for_user(self, user_pk: Any) -> ApiTokenQuerySet:
        """Those of one user, the newest first."""
        return self.filter(user_id=user_pk).order_by("-created_at", "-pk")

    def with_digest(self, digests: list[str]) -> ApiTokenQuerySet:
        """Those stored under one of these digests."""
        return self.filter(digest__in=digests)


class ApiToken(models.Model):
    """One API token of one user; the secret was shown once and is stored nowhere.

    `prefix` is the beginning of the secret that may be shown, `scopes` are joined by spaces.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", editable=False
    )
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, editable=False)
    digest = models.CharField(max_length=80, unique=True, editable=False)
    scopes = models.TextField(blank=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    rotated_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        db_table = "bt_security_api_token"

    def __str__(self) -> str:
        return f"API token {self.uuid}"

    @property
    def scope_list(self) -> list[str]:
        """The scopes, in the order in which they were given."""
        return self.scopes.split()

    def allows(self, scope: str) -> bool:
        """Whether the token was made for a scope; every token is for the empty one."""
        return not scope or scope in self.scope_list
