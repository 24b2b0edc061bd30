"""What our deserializers read: `{"sealed": text}` is sealed, any other value is plaintext."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.core.serializers.base import DeserializationError, DeserializedObject
from django.core.serializers.python import Deserializer

from bt_security.crypto import looks_sealed
from bt_security.exceptions import OpenRefused
from bt_security.fields.binding import prepare_raw_save
from bt_security.fields.blind_index import BlindIndexField
from bt_security.fields.codecs import NOT_A_VALUE
from bt_security.fields.values import Sealed

if TYPE_CHECKING:
    from django.db.models import Model


class OpenedKey(str):
    """A part of a natural key that was sealed; error messages show no plaintext of it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<sealed>"


class SealedObject(DeserializedObject):
    """A row from a fixture, whose bound plaintext is sealed for the row it ends up with."""

    bound_plaintext: dict[str, Any]

    def save(self, save_m2m: bool = True, using: str | None = None, **options: Any) -> None:
        """Seal what a raw save would not, and save."""
        prepare_raw_save(type(self.object), self.object, raw=True)
        super().save(save_m2m=save_m2m, using=using, **options)

    def save_deferred_fields(self, using: str | None = None) -> None:
        """Fill in forward references and seal bound plaintext again, for the row as it is now."""
        self.object.__dict__.update(self.bound_plaintext)
        super().save_deferred_fields(using=using)


class SealedDeserializer(Deserializer):
    """Reads Python values; the base of all our formats."""

    def _handle_object(self, obj: Any) -> Iterator[DeserializedObject]:
        model = _model_of(obj)
        if model is None:
            yield from super()._handle_object(obj)  # type: ignore[misc]
            return
        fields = {
            name: _read(model, name, value, obj.get("pk"))
            for name, value in obj["fields"].items()
            if not _is_blind_index(model, name)
        }
        kept = _open_for_natural_key(model, fields) if obj.get("pk") is None else {}
        for made in super()._handle_object({**obj, "fields": fields}):  # type: ignore[misc]
            made.object.__dict__.update(kept)
            row = SealedObject(made.object, made.m2m_data, made.deferred_fields)
            row.bound_plaintext = _bound_plaintext(made.object)
            yield row


def _model_of(entry: Any) -> type[Model] | None:
    """Return the model of an entry, None where Django has something to say about it."""
    if not isinstance(entry, dict) or not isinstance(entry.get("fields"), dict):
        return None
    try:
        return apps.get_model(entry["model"])
    except (KeyError, LookupError, ValueError, TypeError, AttributeError):
        return None


def _field_of(model: type[Model], name: str) -> Any:
    try:
        return model._meta.get_field(name)
    except FieldDoesNotExist:
        return None


def _is_blind_index(model: type[Model], name: str) -> bool:
    return isinstance(_field_of(model, name), BlindIndexField)


def _read(model: type[Model], name: str, value: Any, pk: object) -> Any:
    field = _field_of(model, name)
    place = f"{model._meta.label}.{name} (primary key {pk!r})"
    if getattr(field, "is_sealed_column", False):
        return _read_value(field, value, place)
    if getattr(field, "remote_field", None) and isinstance(value, list):
        return [_read_reference(part, place) for part in value]
    return value


def _read_value(field: Any, value: Any, place: str) -> Any:
    if isinstance(value, dict) and value.keys() == {"sealed"}:
        return Sealed.trusted(_text(value, place), opener=field._open_with_columns)
    try:
        return field.to_python(value)
    except NOT_A_VALUE:
        raise DeserializationError(f"{place}: not a value of this field") from None


def _text(value: dict[str, Any], place: str) -> str:
    text = value["sealed"]
    if not isinstance(text, str) or not looks_sealed(text):
        raise DeserializationError(f"{place}: malformed sealed text")
    return text


def _read_reference(part: Any, place: str) -> Any:
    """Open the sealed parts of a natural key, or of each natural key in a list of them."""
    if isinstance(part, list):
        return [_read_reference(each, place) for each in part]
    if not isinstance(part, dict) or part.keys() != {"sealed", "of"}:
        return part
    label, _, name = str(part["of"]).rpartition(".")
    try:
        field: Any = apps.get_model(label)._meta.get_field(name)
        opened = field.open_text(_text(part, place))
    except (LookupError, ValueError, FieldDoesNotExist, AttributeError):
        raise DeserializationError(f"{place}: unknown field in a natural key") from None
    except OpenRefused as refusal:
        raise DeserializationError(f"{place}: natural key: {refusal}") from None
    return OpenedKey(opened) if isinstance(opened, str) else opened


def _open_for_natural_key(model: type[Model], fields: dict[str, Any]) -> dict[str, Any]:
    """Open values in place, so that `natural_key` works; return the sealed ones to put back."""
    kept: dict[str, Any] = {}
    if not hasattr(model, "natural_key"):
        return kept
    for name, value in fields.items():
        field = _field_of(model, name)
        if isinstance(value, Sealed) and not field.bind_to:
            try:
                fields[name] = value.open()
            except OpenRefused:
                continue
            kept[field.attname] = value
    return kept


def _bound_plaintext(instance: Model) -> dict[str, Any]:
    values = {
        field.attname: instance.__dict__.get(field.attname)
        for field in instance._meta.concrete_fields
        if getattr(field, "bind_to", ())
    }
    return {name: value for name, value in values.items() if not isinstance(value, Sealed)}
