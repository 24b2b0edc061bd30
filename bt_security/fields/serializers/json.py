"""JSON fixtures with sealed values."""

from __future__ import annotations

from django.core.serializers import json

from bt_security.fields.serializers.reading import SealedDeserializer
from bt_security.fields.serializers.writing import SealedSerializer


class Serializer(SealedSerializer, json.Serializer):
    """Writes JSON."""


class Deserializer(json.Deserializer, SealedDeserializer):
    """Reads JSON."""
