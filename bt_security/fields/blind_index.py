"""`BlindIndexField`: the index part of a sealed text in a column of its own."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Func, Model

from bt_security.crypto import INDEX_LENGTH, PREFIX_LENGTH
from bt_security.exceptions import BTSecurityError
from bt_security.fields.base import public_path
from bt_security.fields.checks import check_index
from bt_security.fields.column import INDEXED_LENGTH, byte_collation, indexed_shape
from bt_security.fields.sealing import current_sealer
from bt_security.fields.values import Sealed, Unreadable


class IndexColumn(models.CharField):
    """The type of the generated column: 24 characters, compared byte by byte."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        """Return the plain type with the byte-wise collation where it has to be named."""
        parameters = dict(super().db_parameters(connection))
        if collation := byte_collation(connection):
            parameters["collation"] = collation
        return parameters


class CutIndex(Func):
    """The 24 index characters of a sealed text, NULL for any other text."""

    arity = 1

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:
        """Return the SQL expression."""
        column, params = compiler.compile(self.get_source_expressions()[0])
        shape = indexed_shape(connection, column)
        sql = (
            f"CASE WHEN {shape} THEN substr({column}, {PREFIX_LENGTH + 1}, {INDEX_LENGTH}) "
            "ELSE NULL END"
        )
        return sql, [*params] * (shape.count(column) + 1) if params else []


class ComputedIndex:
    """What the index column will hold for the instance's value: never stale, never an error."""

    def __init__(self, field: BlindIndexField) -> None:
        self.field = field

    def __get__(self, instance: Model | None, owner: type[Model] | None = None) -> Any:
        if instance is None:
            return self
        source: Any = self.field.source_field
        value = instance.__dict__.get(source.attname)
        if isinstance(value, (Sealed, Unreadable)):
            text = value.text
            return text[PREFIX_LENGTH : INDEXED_LENGTH - 1] if text[36:37] == ":" else None
        if value is None or not source.lookup:
            return None
        try:
            return next(current_sealer(source).index_values(source.codec.to_text(value)), None)
        except (BTSecurityError, TypeError, ValueError):
            return None

    def __set__(self, instance: Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class BlindIndexField(models.GeneratedField):
    """A column the database cuts out of the encrypted field `source`, which needs `lookup=`.

    Equal plaintexts have equal values, so `unique=True`, `db_index=True` and constraints work.
    Whoever can read the column sees which rows are equal; whoever has the key can test guesses.
    """

    non_db_attrs = (*models.Field.non_db_attrs, "source")

    def __init__(self, *, source: str, **options: Any) -> None:
        for name in ("expression", "output_field", "db_persist"):
            options.pop(name, None)
        # Django renames the names in `from_fields` when a migration renames a field.
        self.from_fields: tuple[str, ...] = (source,)
        super().__init__(
            expression=CutIndex(F(source)),
            output_field=IndexColumn(max_length=INDEX_LENGTH, null=True),
            db_persist=True,
            **options,
        )
        self.null = True

    @property
    def source(self) -> str:
        """Name of the encrypted field."""
        return self.from_fields[0]

    @property
    def source_field(self) -> Any:
        """The encrypted field itself."""
        return self.model._meta.get_field(self.source)

    @property
    def expression(self) -> CutIndex:
        """The generating expression, for the name that `source` has now."""
        return CutIndex(F(self.source))

    @expression.setter
    def expression(self, value: CutIndex) -> None:
        """Ignore what the base class assigns: the expression follows from `source`."""

    def contribute_to_class(self, cls: type[Model], name: str, private_only: bool = False) -> None:
        """Register the field with a descriptor that computes its value."""
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, self.attname, ComputedIndex(self))

    def check(self, **options: Any) -> list[Any]:
        """Return Django's findings and ours."""
        return [*super().check(**options), *check_index(self)]

    def deconstruct(self) -> Any:
        """Return the source alone: expression and output field never appear in migrations."""
        name, path, args, options = super().deconstruct()
        for derived in ("expression", "output_field", "db_persist", "null"):
            options.pop(derived, None)
        options["source"] = self.source
        return name, public_path(path), args, options
