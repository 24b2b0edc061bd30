"""Python fixtures with sealed values."""

from __future__ import annotations

from bt_security.fields.serializers.reading import SealedDeserializer
from bt_security.fields.serializers.writing import SealedSerializer


class Serializer(SealedSerializer):
    """Writes Python values."""


class Deserializer(SealedDeserializer):
    """Reads Python values."""
