"""What our serializers write: `{"sealed": text}` for every value of an encrypted field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.core.serializers.python import Serializer
from django.db import models

from bt_security.exceptions import OpenRefused
from bt_security.fields.binding import sealed_value

if TYPE_CHECKING:
    from django.db.models import Model

_Opened = tuple[Any, Any, "Model"]


class SealsFixtures:
    """Marks a serializer class that never writes the plaintext of an encrypted field."""


class SealedSerializer(SealsFixtures, Serializer):
    """Python values; the base of all our formats but XML.

    A host's own serializer becomes safe with `class Serializer(SealedSerializer, Own): ...`.
    """

    _current: Any

    def _value_from_field(self, obj: Model, field: Any) -> Any:
        if not getattr(field, "is_sealed_column", False):
            return super()._value_from_field(obj, field)  # type: ignore[misc]
        sealed = sealed_value(obj, field)
        return None if sealed is None else {"sealed": sealed.text}

    def handle_fk_field(self, obj: Model, field: Any) -> None:
        """Write a reference; parts of a natural key that are encrypted stay sealed."""
        super().handle_fk_field(obj, field)
        related = natural_target(self, obj, field)
        if related is not None:
            self._current[field.name] = sealed_natural_key(related)

    def handle_m2m_field(self, obj: Model, field: Any) -> None:
        """Write references; parts of natural keys that are encrypted stay sealed."""
        if not writes_natural_m2m(self, field):
            super().handle_m2m_field(obj, field)
            return
        related = getattr(obj, field.name).all()
        self._current[field.name] = [sealed_natural_key(each) for each in related]


def natural_target(serializer: Any, obj: Model, field: Any) -> Model | None:
    """Return the object whose natural key stands for a foreign key, if one does."""
    if serializer.use_natural_foreign_keys and hasattr(field.remote_field.model, "natural_key"):
        related: Model | None = getattr(obj, field.name)
        return related
    return None


def writes_natural_m2m(serializer: Any, field: Any) -> bool:
    """Whether a many-to-many field is written as natural keys."""
    return bool(
        serializer.use_natural_foreign_keys
        and field.remote_field.through._meta.auto_created
        and hasattr(field.remote_field.model, "natural_key")
    )


def sealed_natural_key(instance: Any) -> list[Any]:
    """Return the natural key with every part that equals an encrypted value sealed.

    Such a part becomes `{"sealed": text, "of": "app.model.field"}`: the name tells the loader
    how to open it. The values are those of `instance` and of the related objects that its
    `natural_key` has read. A value that `natural_key` changes is not recognised.
    """
    parts = instance.natural_key()
    opened = list(_opened_values(instance, seen=set()))
    return [_sealed_part(part, opened) for part in parts]


def _sealed_part(part: Any, opened: list[_Opened]) -> Any:
    for field, value, owner in opened:
        if type(part) is type(value) and part == value:
            sealed: Any = sealed_value(owner, field)
            return {"sealed": sealed.text, "of": field.context}
    return part


def _opened_values(instance: Model, seen: set[int]) -> Iterator[_Opened]:
    seen.add(id(instance))
    for field in instance._meta.concrete_fields:
        if not getattr(field, "is_sealed_column", False) or field.attname not in instance.__dict__:
            continue
        try:
            value = getattr(instance, field.attname)
        except OpenRefused:
            continue
        if value is not None:
            yield field, value, instance
    for related in instance._state.fields_cache.values():
        if isinstance(related, models.Model) and id(related) not in seen:
            yield from _opened_values(related, seen)
