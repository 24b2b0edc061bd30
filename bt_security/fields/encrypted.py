"""The encrypted fields, each a Django field with a sealed column."""

# The classes take type arguments in the stubs and none when Python runs.
# mypy: disable-error-code="type-arg"

from __future__ import annotations

from django.db import models

from bt_security.fields.base import EncryptedFieldMixin


class EncryptedTextField(EncryptedFieldMixin, models.TextField):
    """Text of any length."""


class EncryptedCharField(EncryptedFieldMixin, models.CharField):
    """Text of at most `max_length` characters before sealing."""


class EncryptedEmailField(EncryptedFieldMixin, models.EmailField):
    """An e-mail address."""


class EncryptedURLField(EncryptedFieldMixin, models.URLField):
    """An address on the web."""


class EncryptedJSONField(EncryptedFieldMixin, models.JSONField):
    """Any JSON value; `None` is NULL, as everywhere."""


class EncryptedIntegerField(EncryptedFieldMixin, models.IntegerField):
    """An integer in the range of the plain field."""


class EncryptedFloatField(EncryptedFieldMixin, models.FloatField):
    """A float, to the last bit."""


class EncryptedDecimalField(EncryptedFieldMixin, models.DecimalField):  # type: ignore[misc]
    """A decimal of `max_digits` and `decimal_places`."""


class EncryptedBooleanField(EncryptedFieldMixin, models.BooleanField):
    """True or False."""


class EncryptedDateField(EncryptedFieldMixin, models.DateField):
    """A date."""


class EncryptedDateTimeField(EncryptedFieldMixin, models.DateTimeField):
    """A moment; aware ones come back in UTC."""


class EncryptedUUIDField(EncryptedFieldMixin, models.UUIDField):
    """A UUID."""


class EncryptedBinaryField(EncryptedFieldMixin, models.BinaryField):
    """Bytes."""


class EncryptedGenericIPAddressField(EncryptedFieldMixin, models.GenericIPAddressField):
    """An IPv4 or IPv6 address."""
