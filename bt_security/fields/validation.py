"""Duplicates of an encrypted value, found through the blind index under every live key."""

from __future__ import annotations

import functools
from collections.abc import Collection
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model

from bt_security.fields.lookups import index_field
from bt_security.fields.values import Sealed, Unreadable

_GUARDED = "_bt_security_guarded"


def validate_unique(field: Any, value: Any, instance: Model) -> None:
    """Refuse a value that another row has, also under a key that is being rotated away.

    A field that is `unique` itself is left to Django, which asks the same question.

    Raises:
        ValidationError: with code `unique` and the message Django uses.
    """
    index = index_field(field) if field.lookup else None
    if index is None or field.unique or not index.unique:
        return
    if value is None or isinstance(value, (Sealed, Unreadable)):
        return
    others = field.model._default_manager.filter(**{field.name: value})
    if not instance._state.adding and instance.pk is not None:
        others = others.exclude(pk=instance.pk)
    if others.exists():
        raise instance.unique_error_message(field.model, (field.name,))


def blind_indexes(model: type[Model]) -> list[Any]:
    """Return the blind index fields of a model, inherited ones included."""
    fields: list[Any] = list(model._meta.concrete_fields)
    return [field for field in fields if field.generated and hasattr(field, "source_field")]


def guard_validation(model: type[Model]) -> None:
    """Make `model` report a duplicate on the encrypted field, never on its index.

    Forms leave out of validation what they do not show, so always the index; here it is left
    out when the encrypted field is.
    """
    if model._meta.abstract or model.__module__ == "__fake__":
        return
    _guard(model, "validate_unique", _validate_unique)
    _guard(model, "validate_constraints", _validate_constraints)


def _guard(model: type[Model], name: str, guard: Any) -> None:
    original = getattr(model, name)
    if getattr(original, _GUARDED, False):
        return

    @functools.wraps(original)
    def guarded(self: Model, exclude: Collection[str] | None = None) -> None:
        guard(self, original, set(exclude or ()))

    setattr(guarded, _GUARDED, True)
    setattr(model, name, guarded)


def _validate_unique(instance: Model, original: Any, exclude: set[str]) -> None:
    errors: dict[str, Any] = {}
    indexes = [index for index in blind_indexes(type(instance)) if index.unique]
    covered = {index.name for index in indexes}
    try:
        original(instance, exclude=_as_its_source(instance, exclude) | covered)
    except ValidationError as error:
        errors = error.update_error_dict(errors)
    for source in {index.source_field for index in indexes if index.source not in exclude}:
        try:
            validate_unique(source, instance.__dict__.get(source.attname), instance)
        except ValidationError as error:
            errors.setdefault(source.name, []).append(error)
    if errors:
        raise ValidationError(errors)


def _validate_constraints(instance: Model, original: Any, exclude: set[str]) -> None:
    original(instance, exclude=_as_its_source(instance, exclude))


def _as_its_source(instance: Model, exclude: set[str]) -> set[str]:
    indexes = blind_indexes(type(instance))
    left_out = {index.name for index in indexes if index.source in exclude}
    return (exclude - {index.name for index in indexes}) | left_out
