"""What the site stores, and which of it is sealed."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from bt_security.audit.capture import AuditedManager, audited
from bt_security.fields import (
    BlindIndexField,
    EncryptedCharField,
    EncryptedTextField,
    EncryptedURLField,
)


@audited()
class BankConnection(models.Model):
    """Access to a bank. The URL holds credentials and opens in its owner's row only."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    name = models.CharField(max_length=80)
    access_url = EncryptedURLField("access URL", max_length=500, bind_to=("owner",))

    objects = AuditedManager()

    def __str__(self):
        return self.name


class Payee(models.Model):
    """Whoever is paid. No two have the same name, whatever the case of its letters."""

    name = EncryptedCharField(max_length=200, lookup="casefold", unique=True)
    name_index = BlindIndexField(source="name", unique=True)
    other_name = EncryptedCharField(max_length=200, null=True, blank=True)
    country = models.CharField(max_length=2, blank=True, default="")

    def __str__(self):
        return self.name


@audited()
class Bill(models.Model):
    """Something to pay."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    payee = models.ForeignKey(Payee, models.PROTECT)
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3)
    due_on = models.DateField()
    paid_on = models.DateField(null=True, blank=True)
    customer_number = EncryptedCharField(max_length=40, lookup="digits", blank=True)
    customer_number_index = BlindIndexField(source="customer_number", db_index=True)
    note = EncryptedTextField(blank=True)

    objects = AuditedManager()

    class Meta:
        ordering = ["due_on", "pk"]

    def __str__(self):
        return f"{self.amount} {self.currency}, due on {self.due_on}"


@audited()
class SiteSettings(models.Model):
    """Outgoing mail and single sign-on; the database holds one row of it at most."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    smtp_host = models.CharField("SMTP host", max_length=200, blank=True)
    smtp_port = models.PositiveIntegerField("SMTP port", default=587)
    smtp_user = models.CharField("SMTP user", max_length=200, blank=True)
    smtp_password = EncryptedCharField("SMTP password", max_length=200, blank=True)
    oidc_issuer = models.URLField("OIDC issuer", blank=True)
    oidc_client_id = models.CharField("OIDC client id", max_length=200, blank=True)
    oidc_client_secret = EncryptedCharField("OIDC client secret", max_length=200, blank=True)

    objects = AuditedManager()

    class Meta:
        verbose_name = verbose_name_plural = "mail and single sign-on"
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="site_settings_is_one_row")
        ]

    def __str__(self):
        return "mail and single sign-on"
