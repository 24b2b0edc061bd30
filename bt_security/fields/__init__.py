"""Encrypted model fields and the blind index by which they are found."""

from __future__ import annotations

from bt_security.fields.base import EncryptedFieldMixin
from bt_security.fields.binding import rebind
from bt_security.fields.blind_index import BlindIndexField
from bt_security.fields.encrypted import (
    EncryptedBinaryField,
    EncryptedBooleanField,
    EncryptedCharField,
    EncryptedDateField,
    EncryptedDateTimeField,
    EncryptedDecimalField,
    EncryptedEmailField,
    EncryptedFloatField,
    EncryptedGenericIPAddressField,
    EncryptedIntegerField,
    EncryptedJSONField,
    EncryptedTextField,
    EncryptedURLField,
    EncryptedUUIDField,
)
from bt_security.fields.values import Sealed, Unreadable

__all__ = [
    "BlindIndexField",
    "EncryptedBinaryField",
    "EncryptedBooleanField",
    "EncryptedCharField",
    "EncryptedDateField",
    "EncryptedDateTimeField",
    "EncryptedDecimalField",
    "EncryptedEmailField",
    "EncryptedFieldMixin",
    "EncryptedFloatField",
    "EncryptedGenericIPAddressField",
    "EncryptedIntegerField",
    "EncryptedJSONField",
    "EncryptedTextField",
    "EncryptedURLField",
    "EncryptedUUIDField",
    "Sealed",
    "Unreadable",
    "rebind",
]
