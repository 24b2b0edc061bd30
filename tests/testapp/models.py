"""Models by which the tests use the package as a host site would."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models

from bt_security import fields
from tests.testapp.audited import BigLedger, Ledger, LedgerProxy, Line, Memo, Safe, Tag

__all__ = ["BigLedger", "Ledger", "LedgerProxy", "Line", "Memo", "Safe", "Tag"]


class AccountManager(BaseUserManager):
    """Creates accounts by e-mail address."""

    def create_user(self, email, password=None, **extra):
        account = self.model(email=email, **extra)
        account.set_password(password)
        account.save(using=self._db)
        return account

    def create_superuser(self, email, password=None, **extra):
        return self.create_user(email, password, is_staff=True, is_superuser=True, **extra)


class Account(AbstractBaseUser, PermissionsMixin):
    """A user whose log-in name is an encrypted unique e-mail address."""

    email = fields.EncryptedEmailField(lookup="email", unique=True)
    email_index = fields.BlindIndexField(source="email", unique=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)

    objects = AccountManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    def __str__(self):
        return f"account {self.pk}"


class Note(models.Model):
    """The smallest model with an encrypted field."""

    title = models.CharField(max_length=100, blank=True)
    body = fields.EncryptedTextField(null=True)

    def __str__(self):
        return self.title


class Everything(models.Model):
    """One nullable column of every class."""

    text = fields.EncryptedTextField(null=True)
    char = fields.EncryptedCharField(max_length=20, null=True)
    email = fields.EncryptedEmailField(null=True)
    url = fields.EncryptedURLField(null=True)
    json = fields.EncryptedJSONField(null=True)
    integer = fields.EncryptedIntegerField(null=True)
    float = fields.EncryptedFloatField(null=True)
    decimal = fields.EncryptedDecimalField(max_digits=12, decimal_places=3, null=True)
    boolean = fields.EncryptedBooleanField(null=True)
    date = fields.EncryptedDateField(null=True)
    moment = fields.EncryptedDateTimeField(null=True)
    uuid = fields.EncryptedUUIDField(null=True)
    binary = fields.EncryptedBinaryField(null=True)
    ip = fields.EncryptedGenericIPAddressField(null=True)


class EncryptedPositiveIntegerField(fields.EncryptedFieldMixin, models.PositiveIntegerField):
    """A field of the host's own."""


class EncryptedDurationField(fields.EncryptedFieldMixin, models.DurationField):
    """A field of the host's own."""


class EncryptedTimeField(fields.EncryptedFieldMixin, models.TimeField):
    """A field of the host's own."""


class OwnFields(models.Model):
    """Fields made with the mixin."""

    count = EncryptedPositiveIntegerField(null=True)
    duration = EncryptedDurationField(null=True)
    time = EncryptedTimeField(null=True)
    stamped = fields.EncryptedDateTimeField(auto_now=True)


class Person(models.Model):
    """Looked up by several blind indexes."""

    name = fields.EncryptedCharField(max_length=80, lookup="casefold", blank=True)
    name_index = fields.BlindIndexField(source="name", db_index=True)
    phone = fields.EncryptedCharField(max_length=40, lookup="digits", null=True, blank=True)
    phone_index = fields.BlindIndexField(source="phone", unique=True)
    code = fields.EncryptedCharField(max_length=40, lookup="exact", null=True, blank=True)
    code_index = fields.BlindIndexField(source="code", db_index=True)
    team = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "code_index"], name="person_code_in_team")
        ]

    def __str__(self):
        return f"person {self.pk}"


def slug_form(value):
    """A normaliser of the host's own."""
    return value.casefold().replace("_", "-")


slug_form.folds_case = True


class Slug(models.Model):
    """Looked up by a normaliser of the host's own."""

    slug = fields.EncryptedCharField(max_length=40, lookup=slug_form)
    slug_index = fields.BlindIndexField(source="slug", unique=True)


class Pet(models.Model):
    """Reaches an encrypted field through a relation."""

    owner = models.ForeignKey(Person, models.CASCADE, null=True)
    label = models.CharField(max_length=20)

    def __str__(self):
        return self.label


class BankConnection(models.Model):
    """A value bound to the owner of its row."""

    owner = models.ForeignKey(Account, models.CASCADE)
    label = models.CharField(max_length=40, blank=True)
    access_url = fields.EncryptedTextField(bind_to=("owner",), null=True)

    def __str__(self):
        return self.label


class SharedConnection(BankConnection):
    """Multi-table inheritance of a bound field."""

    shared_with = models.CharField(max_length=20, blank=True)


class BankProxy(BankConnection):
    """A proxy of a model with a bound field."""

    class Meta:
        proxy = True


class Vault(models.Model):
    """A value bound to the primary key and a text column, one per row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    realm = models.CharField(max_length=20, default="main")
    secret = fields.EncryptedJSONField(bind_to=("id", "realm"))

    def __str__(self):
        return str(self.pk)


class Legacy(models.Model):
    """A column that is being moved from plaintext."""

    token = fields.EncryptedCharField(
        max_length=200, allow_plaintext=True, lookup="exact", null=True
    )
    token_index = fields.BlindIndexField(source="token", db_index=True)
    amount = fields.EncryptedIntegerField(allow_plaintext=True, null=True)


class Stamped(models.Model):
    """An abstract base with an encrypted field."""

    memo = fields.EncryptedTextField(blank=True, default="")

    class Meta:
        abstract = True


class Letter(Stamped):
    """Inherits the abstract base."""

    to = models.CharField(max_length=20)


class Parcel(Stamped):
    """Inherits the abstract base, too: same field, other context."""

    weight = models.IntegerField(default=0)


class ExpressParcel(Parcel):
    """Multi-table inheritance with a field of its own."""

    door_code = fields.EncryptedCharField(max_length=10, blank=True, default="")


class ProxyNote(Note):
    """A proxy reads and writes the same context."""

    class Meta:
        proxy = True


class Wide(models.Model):
    """Fourteen encrypted columns: rotation is one pass."""

    label = models.CharField(max_length=20, blank=True)
    c01 = fields.EncryptedTextField(null=True)
    c02 = fields.EncryptedTextField(null=True)
    c03 = fields.EncryptedTextField(null=True)
    c04 = fields.EncryptedTextField(null=True)
    c05 = fields.EncryptedTextField(null=True)
    c06 = fields.EncryptedTextField(null=True)
    c07 = fields.EncryptedTextField(null=True)
    c08 = fields.EncryptedTextField(null=True)
    c09 = fields.EncryptedTextField(null=True)
    c10 = fields.EncryptedTextField(null=True)
    c11 = fields.EncryptedTextField(null=True)
    c12 = fields.EncryptedTextField(null=True)
    c13 = fields.EncryptedTextField(null=True)
    c14 = fields.EncryptedTextField(null=True)
