"""System checks of encrypted fields and blind indexes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from bt_security.checks import finding
from bt_security.fields.lookups import index_field

_FEW_VALUES = (models.BooleanField, models.DateField)


def _about(obj: Any, number: str, text: str, *, hint: str) -> CheckMessage:
    found = finding(number, text, hint=hint)
    found.obj = obj
    return found


def check_field(field: Any) -> list[CheckMessage]:
    """Return the findings of one encrypted field."""
    return [*_uniqueness(field), *_few_values(field), *_binding(field), *_ordering(field)]


def _uniqueness(field: Any) -> Iterator[CheckMessage]:
    if field.primary_key:
        yield _about(
            field,
            "E020",
            "An encrypted field cannot be the primary key.",
            hint="Sealing the same value twice gives two texts; use a surrogate key.",
        )
        return
    if field.db_index:
        yield _about(
            field,
            "E021",
            "db_index on an encrypted column indexes random text.",
            hint=f"Use lookup=… and BlindIndexField(source={field.name!r}).",
        )
    index = index_field(field) if field.lookup else None
    if field._unique and (index is None or not index.unique):
        yield _about(
            field,
            "E022",
            "unique on an encrypted field needs a unique blind index.",
            hint=f"Use lookup=… and BlindIndexField(source={field.name!r}, unique=True).",
        )


def _few_values(field: Any) -> Iterator[CheckMessage]:
    few = isinstance(field, _FEW_VALUES) or bool(field.choices)
    if field.lookup and few and not field.confirm_lookup:
        yield _about(
            field,
            "E023",
            "A blind index on a field of few values reveals them by their frequency.",
            hint="Leave lookup= out, or accept it with confirm_lookup=True.",
        )


def _binding(field: Any) -> Iterator[CheckMessage]:
    for name in field.bind_to:
        problem = _binding_problem(field, name)
        if problem:
            yield _about(
                field,
                "E024",
                f"bind_to names {name!r}: {problem}.",
                hint="Bind to integer, text, UUID or foreign key columns that the site sets.",
            )


def _binding_problem(field: Any, name: str) -> str:
    try:
        column = field.model._meta.get_field(name)
    except FieldDoesNotExist:
        return "there is no such field"
    if column.model is not field.model:
        return "it is a column of another table"
    if not getattr(column, "concrete", False) or getattr(column, "is_sealed_column", False):
        return "it is not a plain column"
    if isinstance(column, models.AutoField):
        return "the database gives its value after the row is sealed"
    if isinstance(column, models.ForeignKey) and column.remote_field.on_delete in {
        models.SET_NULL,
        models.SET_DEFAULT,
    }:
        return "on_delete changes it without sealing the value anew"
    target: Any = column
    while target.remote_field is not None:
        target = target.target_field
    if not isinstance(
        target, (models.IntegerField, models.CharField, models.TextField, models.UUIDField)
    ) or isinstance(target, models.BooleanField):
        return "its values are neither integers, text nor UUIDs"
    return ""


def _ordering(field: Any) -> Iterator[CheckMessage]:
    ordering = [str(name).lstrip("-") for name in field.model._meta.ordering]
    if field.name in ordering:
        yield _about(
            field,
            "W020",
            "Meta.ordering names an encrypted field.",
            hint="The order would be that of random text; sort opened values in Python.",
        )


def check_index(index: Any) -> list[CheckMessage]:
    """Return the findings of one blind index."""
    try:
        source = index.model._meta.get_field(index.source)
    except FieldDoesNotExist:
        source = None
    if not getattr(source, "is_sealed_column", False) or source.model is not index.model:
        text = f"source={index.source!r} is not an encrypted field of this model."
        hint = "Name the encrypted field whose values the index finds."
        return [_about(index, "E025", text, hint=hint)]
    if not source.lookup:
        text = f"The source {index.source!r} has no lookup= option."
        hint = 'Give it lookup="email", "casefold", "digits", "exact" or a function.'
        return [_about(index, "E026", text, hint=hint)]
    return []
