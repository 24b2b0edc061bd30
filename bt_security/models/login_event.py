"""Log-ins and what became of them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from bt_security.fields import (
    BlindIndexField,
    EncryptedCharField,
    EncryptedGenericIPAddressField,
    EncryptedTextField,
)

OWNER = ("user", "uid")
"""What every sealed column is bound to: a value copied to another row does not open."""

LOCATION_FIELDS = (
    "location_city",
    "location_region",
    "location_country",
    "location_isp",
    "location_point",
)


class LoginOutcome(models.TextChoices):
    """What became of a log-in."""

    SUCCESS = "success"
    FAILURE = "failure"
    FACTOR_FAILED = "factor_failed"


class LoginEventQuerySet(models.QuerySet["LoginEvent"]):
    """Questions about log-ins."""

    def newest_first(self) -> LoginEventQuerySet:
        """In the order of lists."""
        return self.order_by("-happened_at", "-pk")

    def for_user(self, user_pk: Any) -> LoginEventQuerySet:
        """Those of one user, the newest first."""
        return self.filter(user_id=user_pk).newest_first()

    def before(self, happened_at: datetime, pk: int) -> LoginEventQuerySet:
        """Those that come after an event in a list with the newest first."""
        # The first condition, which follows from the second, is the one that an index takes.
        is_older = models.Q(happened_at__lt=happened_at)
        known = self.filter(happened_at__lte=happened_at)
        return known.filter(is_older | models.Q(happened_at=happened_at, pk__lt=pk))

    def after(self, happened_at: datetime, pk: int) -> LoginEventQuerySet:
        """Those that come before an event in a list with the newest first, the nearest first."""
        is_newer = models.Q(happened_at__gt=happened_at)
        known = self.filter(happened_at__gte=happened_at)
        found = known.filter(is_newer | models.Q(happened_at=happened_at, pk__gt=pk))
        return found.order_by("happened_at", "pk")

    def located(self) -> LoginEventQuerySet:
        """Those whose place is stored."""
        has_city = models.Q(location_city__isnull=False)
        return self.filter(has_city | models.Q(location_country__isnull=False))

    def older_than(self, moment: datetime) -> LoginEventQuerySet:
        """Those that happened before a moment."""
        return self.filter(happened_at__lt=moment)

    def of_accounts(self) -> LoginEventQuerySet:
        """Those of users, whether they succeeded or not."""
        return self.filter(user__isnull=False)

    def of_nobody(self) -> LoginEventQuerySet:
        """Those whose typed name is no account's."""
        return self.filter(user=None)


class LoginEvent(models.Model):
    """One log-in: whose, when, how, from where, and whether it succeeded.

    What somebody typed who has no account is there as a keyed digest. The sealed columns open
    under this user and event alone. The location is there only if the user wanted it then.
    `session_uuid` names the session that began; `disowned_at` is when its owner said "this was
    not me"; `travel_km` and `travel_kmh` are there where nobody can travel as fast.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.CASCADE,
        db_index=False,  # the index of lists begins with it
        related_name="+",
        editable=False,
    )
    name_digest = models.CharField(max_length=80, blank=True, editable=False)
    outcome = models.CharField(max_length=16, choices=LoginOutcome, editable=False)
    method = models.CharField(max_length=32, blank=True, editable=False)
    happened_at = models.DateTimeField(editable=False)
    device = models.ForeignKey(
        "bt_security.Device",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        editable=False,
    )
    device_label = models.CharField(max_length=100, blank=True, editable=False)
    is_new_device = models.BooleanField(default=False, editable=False)
    session_uuid = models.UUIDField(null=True, editable=False)
    ip_address = EncryptedGenericIPAddressField(
        null=True, lookup="exact", bind_to=OWNER, editable=False
    )
    ip_index = BlindIndexField(source="ip_address", db_index=True)
    user_agent = EncryptedTextField(null=True, bind_to=OWNER, editable=False)
    location_city = EncryptedCharField(max_length=100, null=True, bind_to=OWNER, editable=False)
    location_region = EncryptedCharField(max_length=100, null=True, bind_to=OWNER, editable=False)
    location_country = EncryptedCharField(max_length=100, null=True, bind_to=OWNER, editable=False)
    location_isp = EncryptedCharField(max_length=100, null=True, bind_to=OWNER, editable=False)
    location_point = EncryptedCharField(max_length=40, null=True, bind_to=OWNER, editable=False)
    travel_km = models.PositiveIntegerField(null=True, editable=False)
    travel_kmh = models.PositiveIntegerField(null=True, editable=False)
    disowned_at = models.DateTimeField(null=True, editable=False)

    objects = LoginEventQuerySet.as_manager()

    class Meta:
        db_table = "bt_security_login_event"
        verbose_name = gettext_lazy("log-in")
        verbose_name_plural = gettext_lazy("log-ins")
        indexes: ClassVar = [
            models.Index(fields=["user", "-happened_at", "-id"], name="bt_login_event_user"),
            # With the outcome, so that counts by day need nothing but the index.
            models.Index(fields=["-happened_at", "-id", "outcome"], name="bt_login_event_time"),
        ]
        permissions: ClassVar = [("view_login_details", "Can see addresses and places of log-ins")]

    def __str__(self) -> str:
        return f"login event {self.uid}"
