"""Serializers that write encrypted fields as sealed text; nothing here imports PyYAML."""

from __future__ import annotations

from django.conf import settings
from django.core import serializers

from bt_security.fields.serializers.reading import SealedDeserializer
from bt_security.fields.serializers.writing import SealedSerializer, SealsFixtures
from bt_security.keys.inventory import sealed_models

__all__ = [
    "SealedDeserializer",
    "SealedSerializer",
    "SealsFixtures",
    "use_sealed_serializers",
]

_HERE = "bt_security.fields.serializers"
_REPLACED = {
    "json": ("django.core.serializers.json", f"{_HERE}.json"),
    "jsonl": ("django.core.serializers.jsonl", f"{_HERE}.jsonl"),
    "python": ("django.core.serializers.python", f"{_HERE}.python"),
    "xml": ("django.core.serializers.xml_serializer", f"{_HERE}.xml"),
    "yaml": ("django.core.serializers.pyyaml", f"{_HERE}.yaml"),
}


def use_sealed_serializers() -> None:
    """Put our serializers in the place of Django's own, if a model has a sealed column.

    Only Django's own are replaced: what `SERIALIZATION_MODULES` or another package registered
    stays. Harmless when called twice.
    """
    if next(sealed_models(), None) is None:
        return
    chosen_by_host = getattr(settings, "SERIALIZATION_MODULES", {})
    for name, (django_module, our_module) in _REPLACED.items():
        if serializers.BUILTIN_SERIALIZERS.get(name) == django_module:
            serializers.BUILTIN_SERIALIZERS[name] = our_module
        loaded = serializers._serializers.get(name)  # type: ignore[attr-defined]
        if getattr(loaded, "__name__", None) == django_module and name not in chosen_by_host:
            serializers.register_serializer(name, our_module)
