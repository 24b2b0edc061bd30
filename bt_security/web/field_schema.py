"""JSON Schema of form fields: the document shows it, and bodies are judged by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ImproperlyConfigured

Schema = dict[str, Any]
"""A JSON Schema (draft 2020-12), as OpenAPI 3.1 has it: JSON of any shape."""

_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_SINGLE_KEY: Schema = {"type": ["string", "integer"]}

_BY_CLASS: tuple[tuple[type[forms.Field], Schema], ...] = (
    (forms.JSONField, {}),
    (forms.NullBooleanField, {"type": ["boolean", "null"]}),
    (forms.BooleanField, {"type": "boolean"}),
    (forms.DecimalField, {"type": ["number", "string"]}),
    (forms.FloatField, {"type": "number"}),
    (forms.IntegerField, {"type": "integer"}),
    (forms.ModelMultipleChoiceField, {"type": "array", "items": _SINGLE_KEY}),
    (forms.ModelChoiceField, _SINGLE_KEY),
    (forms.DateTimeField, {"type": "string", "format": "date-time"}),
    (forms.DateField, {"type": "string", "format": "date"}),
    (forms.TimeField, {"type": "string", "format": "time"}),
    (forms.UUIDField, {"type": "string", "format": "uuid"}),
    (forms.EmailField, {"type": "string", "format": "email"}),
    (forms.URLField, {"type": "string", "format": "uri"}),
)
_IMPOSSIBLE = (forms.FileField, forms.MultiValueField)


def field_schema(field: forms.Field) -> Schema:
    """Return the schema of the values that a form field takes from JSON.

    Raises:
        ImproperlyConfigured: files, and fields that are made of several, have no JSON form.
    """
    if isinstance(field, _IMPOSSIBLE):
        raise ImproperlyConfigured(f"{type(field).__name__} cannot be sent as JSON.")
    schema = _value_schema(field)
    schema.update(_limits(field))
    if isinstance(field.widget, forms.PasswordInput):
        schema["format"] = "password"
        schema["writeOnly"] = True
    if not field.required:
        _let_be_null(schema)
    for key, text in (("title", field.label), ("description", field.help_text)):
        if text:
            schema[key] = str(text)
    return schema


def form_schema(fields: Mapping[str, forms.Field], *, is_partial: bool = False) -> Schema:
    """Return the schema of an object with a form's fields; no other names are allowed.

    With `is_partial` none is required, as in a PATCH.
    """
    required = [name for name, field in fields.items() if field.required]
    schema: Schema = {
        "type": "object",
        "properties": {name: field_schema(field) for name, field in fields.items()},
        "additionalProperties": False,
    }
    if required and not is_partial:
        schema["required"] = required
    return schema


def is_of_type(value: object, schema: Schema) -> bool:
    """Tell whether a JSON value, and the items of a list, are of the types of a schema."""
    if "type" not in schema:
        return True
    if not any(_is_a(value, name) for name in _names(schema["type"])):
        return False
    items: Schema = schema.get("items", {})
    return not isinstance(value, list) or all(is_of_type(item, items) for item in value)


def _value_schema(field: forms.Field) -> Schema:
    for kind, schema in _BY_CLASS:
        if isinstance(field, kind):
            return dict(schema)
    if isinstance(field, forms.MultipleChoiceField):
        return {"type": "array", "items": _choice_schema(field)}
    return _choice_schema(field) if isinstance(field, forms.ChoiceField) else {"type": "string"}


def _choice_schema(field: forms.ChoiceField) -> Schema:
    pairs = list(field.choices)  # type: ignore[arg-type]  # whatever was given, pairs are read
    values = [value for value in _flat(pairs) if value not in ("", None)]
    if not values:
        return {"type": "string"}
    if all(isinstance(value, int) for value in values):
        return {"type": "integer", "enum": values}
    return {"type": "string", "enum": [str(value) for value in values]}


def _flat(choices: Iterable[Any]) -> Iterator[Any]:
    for value, label in choices:
        if isinstance(label, (list, tuple)):
            yield from _flat(label)
        else:
            yield value


def _limits(field: forms.Field) -> Schema:
    if isinstance(field, forms.CharField) and not isinstance(field, forms.JSONField):
        shortest = max(field.min_length or 0, int(field.required))
        found = {"minLength": shortest or None, "maxLength": field.max_length}
    elif isinstance(field, forms.IntegerField):
        found = {"minimum": _plain(field.min_value), "maximum": _plain(field.max_value)}
    else:
        found = {}
    return {name: value for name, value in found.items() if value is not None}


def _plain(limit: Any) -> int | None:
    value = limit() if callable(limit) else limit
    return None if value is None else int(value)


def _let_be_null(schema: Schema) -> None:
    if "type" in schema:
        schema["type"] = [*_names(schema["type"]), *({"null"} - set(_names(schema["type"])))]
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]


def _names(types: str | list[str]) -> list[str]:
    return [types] if isinstance(types, str) else types


def _is_a(value: object, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, _JSON_TYPES[name])
