"""YAML fixtures with sealed values."""

from __future__ import annotations

from django.core.serializers import pyyaml

from bt_security.fields.serializers.reading import SealedDeserializer
from bt_security.fields.serializers.writing import SealedSerializer


class Serializer(SealedSerializer, pyyaml.Serializer):
    """Writes YAML."""


class Deserializer(pyyaml.Deserializer, SealedDeserializer):
    """Reads YAML."""
