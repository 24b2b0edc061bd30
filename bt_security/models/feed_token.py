"""Tokens in the URLs of feeds: one live one for each user and feed."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class FeedToken(models.Model):
    """The digest of the token in a user's feed URL; the URL was shown once."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", editable=False
    )
    feed = models.CharField(max_length=40, editable=False)
    digest = models.CharField(max_length=80, unique=True, editable=False)
    created_at = models.DateTimeField(editable=False)

    class Meta:
        db_table = "bt_security_feed_token"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "feed"], name="bt_feed_token_once_per_user")
        ]

    def __str__(self) -> str:
        return f"token of feed {self.feed} of user {self.user_id}"
