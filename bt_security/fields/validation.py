"""Duplicates of an encrypted value, found through the blind index under every live key."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from bt_security.fields.lookups import index_field


def validate_unique(field: Any, value: Any, instance: Model) -> None:
    """Refuse a value that another row has, also under a key that is being rotated away.

    A field that is `unique` itself is left to Django, which asks the same question.

    Raises:
        ValidationError: with code `unique` and the message Django uses.
    """
    index = index_field(field) if field.lookup else None
    if value is None or index is None or field.unique or not index.unique:
        return
    others = field.model._default_manager.filter(**{field.name: value})
    if not instance._state.adding and instance.pk is not None:
        others = others.exclude(pk=instance.pk)
    if others.exists():
        raise instance.unique_error_message(field.model, (field.name,))
