"""`BlindIndexField`: the index part of a sealed text in a column of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import (
    ImproperlyConfigured,
    SynchronousOnlyOperation,
    ValidationError,
)
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import ExpressionWrapper, F, Func, Model, Value
from django.db.models.lookups import Exact

from bt_security.crypto import INDEX_LENGTH, PREFIX_LENGTH
from bt_security.exceptions import BTSecurityError
from bt_security.fields.checks import check_index
from bt_security.fields.column import INDEX_END, INDEXED_LENGTH, byte_collation, indexed_shape
from bt_security.fields.context import SourceName, public_path
from bt_security.fields.sealing import current_sealer
from bt_security.fields.validation import guard_validation
from bt_security.fields.values import Sealed, Unreadable

_NO_INDEX_NOW = (
    ArithmeticError,
    BTSecurityError,
    ImproperlyConfigured,
    SynchronousOnlyOperation,
    TypeError,
    ValidationError,
    ValueError,
)


class IndexValue(str):
    """The index of a value under the key that seals, and its indexes under the other live keys."""

    __slots__ = ("everywhere",)
    everywhere: tuple[str, ...]

    def __new__(cls, everywhere: tuple[str, ...]) -> IndexValue:
        """Take the indexes, the one under the key that seals first."""
        made = super().__new__(cls, everywhere[0])
        made.everywhere = everywhere
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return (str, (str(self),))


def index_of(source: Any, value: Any) -> str | None:
    """Return the index that a value of the encrypted field `source` has or will have."""
    if isinstance(value, (Sealed, Unreadable)):
        text = value.text
        return text[PREFIX_LENGTH:INDEX_END] if text[INDEX_END:INDEXED_LENGTH] == ":" else None
    if value is None or not source.lookup:
        return None
    indexes = tuple(current_sealer(source).index_values(source.codec.to_text(value)))
    return IndexValue(indexes) if indexes else None


class IndexColumn(models.CharField):  # type: ignore[type-arg]
    """The type of the generated column: 24 characters, compared byte by byte."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        """Return the plain type with the byte-wise collation where it has to be named."""
        parameters = dict(super().db_parameters(connection))
        if collation := byte_collation(connection):
            parameters["collation"] = collation
        return parameters


@IndexColumn.register_lookup
class IndexEquals(Exact):
    """`exact` on the index column: finds the rows of a value under every live key.

    Django's own checks of uniqueness look up the index that an instance would have.
    """

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Return `IN` over the indexes of a value, else what Django makes of it."""
        wanted = self.rhs
        if isinstance(wanted, ExpressionWrapper) and isinstance(wanted.expression, CutIndex):
            wanted = wanted.expression.value
        if not isinstance(wanted, IndexValue):
            return super().as_sql(compiler, connection)
        column, params = compiler.compile(self.lhs)
        marks = ", ".join(["%s"] * len(wanted.everywhere))
        return f"{column} IN ({marks})", [*params, *wanted.everywhere]


class CutIndex(Func):
    """The 24 index characters of a sealed text, NULL for any other text."""

    arity = 1

    @property
    def value(self) -> str | None:
        """The index of the plaintext that stands for the column while a model is validated."""
        (source,) = self.get_source_expressions()
        return index_of(source.output_field, source.value) if isinstance(source, Value) else None

    def as_sql(  # type: ignore[override]
        self, compiler: Any, connection: Any, **_: Any
    ) -> Any:
        """Return the SQL expression."""
        (source,) = self.get_source_expressions()
        if isinstance(source, Value):
            return compiler.compile(Value(self.value))
        column, params = compiler.compile(source)
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
        if source.attname not in instance.__dict__:
            return instance.__dict__.get(self.field.attname)
        try:
            return index_of(source, instance.__dict__[source.attname])
        except _NO_INDEX_NOW:
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
        self._source = str(source)
        super().__init__(
            expression=CutIndex(F(source)),
            output_field=IndexColumn(max_length=INDEX_LENGTH, null=True),
            db_persist=True,
            **options,
        )
        # Fixtures leave it out: the database computes it from the sealed text.
        self.serialize = False

    @property
    def null(self) -> bool:
        """Whether queries have to expect NULL: they do.

        False in a migration, where a stored generated column that SQLite is to add must not
        look like one that `ALTER TABLE` can add. No `NOT NULL` comes of it.
        """
        model = getattr(self, "model", None)
        return model is None or model.__module__ != "__fake__"

    @null.setter
    def null(self, value: bool) -> None:
        """Ignore what the base class assigns."""

    @property
    def source(self) -> str:
        """Name of the encrypted field; in a migration the name that it has by then."""
        model: Any = getattr(self, "model", None)
        if model is None or model.__module__ != "__fake__":
            return self._source
        return source_in(self, {field.name: field for field in model._meta.local_fields})

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
        guard_validation(cls)

    def check(self, **options: Any) -> list[Any]:
        """Return Django's findings and ours."""
        return [*super().check(**options), *check_index(self)]

    def deconstruct(self) -> Any:
        """Return the source alone: expression and output field never appear in migrations."""
        name, path, args, options = super().deconstruct()
        for derived in ("expression", "output_field", "db_persist", "null", "serialize"):
            options.pop(derived, None)
        options["source"] = SourceName(self._source)
        return name, public_path(path), args, options


def source_in(index: BlindIndexField, fields: Mapping[str, Any]) -> str:
    """Return the name that the source of `index` has among the fields of a migration's model.

    Renaming a field changes no migration of its index. The contexts that were recorded for a
    field tell its former names; without them, a single field that has no index must be it.
    """
    source = index._source
    sealed = {name: each for name, each in fields.items() if getattr(each, "lookup", None)}
    if source in sealed:
        return source
    for name, field in sealed.items():
        contexts = (field.recorded_context or "", *field.previous_contexts)
        if source in {context.rpartition(".")[2] for context in contexts}:
            return name
    claimed = {each._source for each in fields.values() if isinstance(each, BlindIndexField)}
    free = [name for name in sealed if name not in claimed]
    return free[0] if len(free) == 1 else source
