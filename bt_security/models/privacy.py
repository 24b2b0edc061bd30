"""What a user allows to be kept of them."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class PrivacySettings(models.Model):
    """The choices of one user; without a row nothing is allowed.

    `geolocation_since` is when the user allowed it, or erased what was stored: log-ins of before
    are not located any more.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="+",
        editable=False,
    )
    geolocation_enabled = models.BooleanField(default=False)
    geolocation_since = models.DateTimeField(null=True, editable=False)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "bt_security_privacy_settings"

    def __str__(self) -> str:
        return f"privacy settings of user {self.pk}"
