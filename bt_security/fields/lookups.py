"""Look-ups on encrypted fields: `isnull`, and `exact`, `in`, `iexact` through the blind index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from django.core.exceptions import EmptyResultSet, FieldError
from django.db.models import Lookup
from django.db.models.lookups import IsNull

from bt_security.fields.foreign import is_plaintext_of
from bt_security.fields.normalisers import folds_case
from bt_security.fields.sealing import current_sealer
from bt_security.fields.values import Sealed, Unreadable

if TYPE_CHECKING:
    _AnyLookup = Lookup[Any]
else:
    _AnyLookup = Lookup


def index_field(field: Any) -> Any | None:
    """Return the `BlindIndexField` that keeps the index of an encrypted field, if any."""
    for candidate in field.model._meta.concrete_fields:
        if getattr(candidate, "source", None) == field.name and candidate.generated:
            return candidate
    return None


def lookup_class(field: Any, name: str) -> type[Lookup[Any]]:
    """Return the class for a look-up on `field`.

    Raises:
        FieldError: it cannot work on sealed text; the message names the way out.
    """
    if name == "isnull":
        return IsNull
    if name not in {"exact", "in", "iexact"}:
        raise FieldError(
            f"{field} is encrypted: {name!r} cannot work on it. Only isnull, and exact and in "
            "through a BlindIndexField, do; filter the opened values in Python otherwise."
        )
    if not field.lookup or index_field(field) is None:
        return NullOnly
    if name == "iexact" and not folds_case(field.lookup):
        raise FieldError(
            f"{field} has lookup={field.lookup!r}, which keeps case apart: iexact needs "
            'lookup="casefold" or lookup="email".'
        )
    return IndexIn if name == "in" else IndexExact


def refuse_transform(field: Any, name: str) -> NoReturn:
    """Say that sealed text has no parts.

    Raises:
        FieldError: always.
    """
    raise FieldError(f"{field} is encrypted: the transform {name!r} cannot work on it.")


class NullOnly(_AnyLookup):
    """`exact` without a blind index: `None` alone works, which Django turns into `isnull`."""

    lookup_name = "exact"

    def get_prep_lookup(self) -> None:
        """Refuse everything but None.

        Raises:
            FieldError: a value is looked for; the message says how to make that possible.
        """
        field = self.lhs.output_field
        if self.rhs is not None:
            raise FieldError(
                f"{field} is encrypted and has no blind index: to look it up, give it lookup=… and "
                f"add BlindIndexField(source={field.name!r}) to {field.model._meta.label}."
            )


class _IndexLookup(_AnyLookup):
    """Compares the index column with the blind indexes of the plaintexts asked for."""

    prepare_rhs = False
    can_use_none_as_rhs = False

    def plaintexts(self) -> list[Any]:
        """Return the plaintexts that are looked for."""
        return [_plaintext(self.lhs.output_field, self.rhs)]

    def get_prep_lookup(self) -> Any:
        """Refuse expressions: the database cannot compute a blind index.

        Raises:
            FieldError: a side is an expression or a queryset.
        """
        field = self.lhs.output_field
        if getattr(self.lhs, "target", None) is not field:
            raise FieldError(f"{field} is encrypted: what SQL makes of it cannot be looked up.")
        if _is_expression(self.rhs):
            raise FieldError(
                f"{field} is encrypted: compare it with values, not with an expression or a "
                "subquery."
            )
        return self.rhs

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Return the condition on the index column, and on plaintext while it is allowed."""
        field = self.lhs.output_field
        indexes, plain = self._wanted(field)
        column, column_params = compiler.compile(self.lhs)
        index: Any = index_field(field)
        index_column, _ = compiler.compile(index.get_col(self.lhs.alias))
        marks = ", ".join(["%s"] * len(indexes))
        condition = f"({index_column} IS NOT NULL AND {index_column} IN ({marks}))"
        params: list[Any] = [*indexes]
        if plain:
            marks = ", ".join(["%s"] * len(plain))
            condition = f"({condition} OR {column} IN ({marks}))"
            params += [*column_params, *plain]
        return condition, params

    def _wanted(self, field: Any) -> tuple[list[str], list[str]]:
        sealer = current_sealer(field)
        texts = [field.codec.to_text(value) for value in self.plaintexts()]
        indexes = dict.fromkeys(index for text in texts for index in sealer.index_values(text))
        return list(indexes), [text for text in texts if is_plaintext_of(field, text)]


class IndexExact(_IndexLookup):
    """`exact` and `iexact`."""

    lookup_name = "exact"


class IndexIn(_IndexLookup):
    """`in`; NULL among the values matches nothing, as in SQL."""

    lookup_name = "in"

    def get_prep_lookup(self) -> list[Any]:
        """Refuse expressions, those among the values, too.

        Raises:
            FieldError: a side is an expression or a queryset.
        """
        values = list(super().get_prep_lookup())
        if any(map(_is_expression, values)):
            raise FieldError(f"{self.lhs.output_field} is encrypted: `in` takes values only.")
        return values

    def plaintexts(self) -> list[Any]:
        """Return the plaintexts without NULL."""
        field = self.lhs.output_field
        return [_plaintext(field, value) for value in self.rhs if value is not None]

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Return the condition; no value at all is an empty result."""
        if not self.plaintexts():
            raise EmptyResultSet
        return super().as_sql(compiler, connection)


def _is_expression(value: Any) -> bool:
    return hasattr(value, "resolve_expression") or hasattr(value, "as_sql")


def _plaintext(field: Any, value: Any) -> Any:
    if isinstance(value, Unreadable):
        raise FieldError(f"{field}: an unreadable value cannot be looked up")
    if isinstance(value, Sealed):
        return value.open()
    return value
