"""What an entry may show of a column: its value, or only that it changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files import File
from django.db.models import Field, Model

from bt_security.audit.canonical import MASKED, SHORTENED, canonical_json, is_secret_name
from bt_security.fields import BlindIndexField

LISTED_KEYS = 100
"""Primary keys that an entry names; `count` tells of the others."""

EXPRESSION = "[expression]"
_SHORT_CHARS = 200
_SHORT_CHANGES = 20
_CUTS = (2_000, 500, 100, 20)


def is_masked(field: Any, mask: frozenset[str]) -> bool:
    """Whether entries only say that this field changed: sealed, secret by its name, or chosen."""
    return (
        field.name in mask
        or getattr(field, "is_sealed_column", False)
        or isinstance(field, BlindIndexField)
        or is_secret_name(field.name)
    )


def is_expression(value: Any) -> bool:
    """Whether only the database can compute the value."""
    return hasattr(value, "resolve_expression")


def python_value(field: Field[Any, Any], value: Any) -> Any:
    """Return what the column will give back for `value`, so that "5" and 5 are no change."""
    if value is None or is_expression(value):
        return value
    if isinstance(value, File):
        return value.name or ""
    try:
        return field.to_python(value)
    except (TypeError, ValueError, ValidationError):
        return value


def shown(value: Any) -> Any:
    """Return a value in a form that `canonical_json` shows whole."""
    if isinstance(value, Model):
        return value.pk
    return EXPRESSION if is_expression(value) else value


def listed(keys: list[Any]) -> list[Any]:
    """Return the first primary keys in their order."""
    return sorted(keys)[:LISTED_KEYS]


def fitted(details: dict[str, Any], part: str) -> dict[str, Any]:
    """Return `details` with `part`, values by field name, cut until a body holds all names.

    A text is cut first, and what still does not fit is only named.
    """
    values: Mapping[str, Any] = details[part]
    if len(values) <= _SHORT_CHANGES and not any(map(_may_be_long, values.values())):
        return details
    if _fits(details):
        return details
    for chars in _CUTS:
        cut = {**details, part: {name: _cut(value, chars) for name, value in values.items()}}
        if _fits(cut):
            return cut
    return {**details, part: dict.fromkeys(values, MASKED)}


def _fits(details: dict[str, Any]) -> bool:
    return SHORTENED not in canonical_json(details)


def _may_be_long(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) > _SHORT_CHANGES or any(map(_may_be_long, value))
    return isinstance(value, dict) or (isinstance(value, str) and len(value) > _SHORT_CHARS)


def _cut(value: Any, chars: int) -> Any:
    if isinstance(value, list):
        return [_cut(item, chars) for item in value]
    if isinstance(value, dict):
        value = canonical_json(value)  # it redacts, which a text cut out of it could not
    if isinstance(value, str) and len(value) > chars:
        return f"{value[:chars]}~ of {len(value)} characters"
    return value
