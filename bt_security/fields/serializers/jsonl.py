"""JSON Lines fixtures with sealed values."""

from __future__ import annotations

from django.core.serializers import jsonl

from bt_security.fields.serializers.reading import SealedDeserializer
from bt_security.fields.serializers.writing import SealedSerializer


class Serializer(SealedSerializer, jsonl.Serializer):
    """Writes JSON Lines."""


class Deserializer(jsonl.Deserializer, SealedDeserializer):
    """Reads JSON Lines."""
