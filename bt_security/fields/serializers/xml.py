"""XML fixtures with sealed values: `<field …><sealed>e2:…</sealed></field>`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.core.serializers import xml_serializer
from django.db import models

from bt_security.fields.binding import sealed_value
from bt_security.fields.serializers.reading import SealedDeserializer
from bt_security.fields.serializers.writing import (
    SealsFixtures,
    natural_target,
    sealed_natural_key,
    writes_natural_m2m,
)

if TYPE_CHECKING:
    from django.core.serializers.base import DeserializedObject
    from django.db.models import Model


class Serializer(SealsFixtures, xml_serializer.Serializer):
    """Writes XML."""

    def handle_field(self, obj: Model, field: Any) -> None:
        """Write a value, that of an encrypted field sealed."""
        if not getattr(field, "is_sealed_column", False):
            super().handle_field(obj, field)
            return
        self.indent(2)
        self.xml.startElement("field", {"name": field.name, "type": field.get_internal_type()})
        sealed = sealed_value(obj, field)
        if sealed is None:
            self.xml.addQuickElement("None")
        else:
            self.xml.addQuickElement("sealed", sealed.text)
        self.xml.endElement("field")

    def handle_fk_field(self, obj: Model, field: Any) -> None:
        """Write a reference; parts of a natural key that are encrypted stay sealed."""
        related = natural_target(self, obj, field)
        if related is None:
            super().handle_fk_field(obj, field)
            return
        self._start_relational_field(field)  # type: ignore[attr-defined]
        self._write_natural_key(related)
        self.xml.endElement("field")

    def handle_m2m_field(self, obj: Model, field: Any) -> None:
        """Write references; parts of natural keys that are encrypted stay sealed."""
        if not writes_natural_m2m(self, field):
            super().handle_m2m_field(obj, field)
            return
        self._start_relational_field(field)  # type: ignore[attr-defined]
        for related in getattr(obj, field.name).all():
            self.xml.startElement("object", {})
            self._write_natural_key(related)
            self.xml.endElement("object")
        self.xml.endElement("field")

    def _write_natural_key(self, related: Model) -> None:
        for part in sealed_natural_key(related):
            self.xml.startElement("natural", {})
            if isinstance(part, dict):
                self.xml.addQuickElement("sealed", part["sealed"], {"of": part["of"]})
            else:
                self.xml.characters(str(part))
            self.xml.endElement("natural")


class Deserializer(xml_serializer.Deserializer):
    """Reads XML; an object of a model with encrypted fields goes the way of Python values."""

    def _handle_object(self, node: Any) -> DeserializedObject:
        model = self._get_model_from_node(node, "model")  # type: ignore[attr-defined]
        has_sealed = any(
            hasattr(field, "is_sealed_column") for field in model._meta.concrete_fields
        )
        if not has_sealed and not node.getElementsByTagName("sealed"):
            return super()._handle_object(node)  # type: ignore[misc, no-any-return]
        entry: dict[str, Any] = {"model": model._meta.label_lower}
        if node.hasAttribute("pk"):
            entry["pk"] = node.getAttribute("pk")
        entry["fields"] = {
            each.getAttribute("name"): _value(model, each)
            for each in node.getElementsByTagName("field")
        }
        rows = SealedDeserializer(
            [entry],
            using=self.db,
            ignorenonexistent=self.ignore,
            handle_forward_references=self.handle_forward_references,
        )
        row: DeserializedObject = next(iter(rows))
        return row


def _value(model: type[Model], node: Any) -> Any:
    """Return the value of a `<field>` in the form that Python fixtures have."""
    fields = {field.name: field for field in model._meta.get_fields()}
    field: Any = fields.get(node.getAttribute("name"))
    if isinstance(getattr(field, "remote_field", None), models.ManyToManyRel):
        return [_reference(each) for each in node.getElementsByTagName("object")]
    if node.getElementsByTagName("None"):
        return None
    if getattr(field, "remote_field", None):
        return _reference(node)
    if getattr(field, "is_sealed_column", False) and (found := node.getElementsByTagName("sealed")):
        return {"sealed": _text(found[0])}
    plain = getattr(field, "plain_field", field)
    if isinstance(plain, models.JSONField):
        return json.loads(_text(node), cls=plain.decoder)
    return _text(node)


def _reference(node: Any) -> Any:
    """Return a natural key, or the text of a primary key."""
    parts = node.getElementsByTagName("natural")
    if parts:
        return [_part(part) for part in parts]
    return node.getAttribute("pk") if node.hasAttribute("pk") else _text(node)


def _part(node: Any) -> Any:
    found = node.getElementsByTagName("sealed")
    if not found:
        return _text(node)
    return {"sealed": _text(found[0]), "of": found[0].getAttribute("of")}


def _text(node: Any) -> str:
    return str(xml_serializer.getInnerText(node)).strip()
