"""`EncryptedFieldMixin`: makes a sealed column of any Django field."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django import VERSION
from django.core.exceptions import FieldError
from django.db.models import Field, Model

from bt_security.exceptions import NotSealed, OpenRefused, Tampered
from bt_security.fields.attribute import BoundAttribute, SealedAttribute
from bt_security.fields.binding import binding_of, connect, current_binding, sealed_value
from bt_security.fields.checks import check_field
from bt_security.fields.codecs import NOT_A_VALUE, StringCodec, TextCodec, codec_for
from bt_security.fields.column import KEY_ID, byte_collation, sealed_shape
from bt_security.fields.context import NOT_IN_THE_SCHEMA, OPTIONS, Context, public_path
from bt_security.fields.foreign import formats_named_for, open_plain
from bt_security.fields.forms import form_value, keeping_unreadable
from bt_security.fields.lookups import lookup_class, refuse_transform
from bt_security.fields.normalisers import LookupOption, normaliser_name
from bt_security.fields.plain import plain_twin
from bt_security.fields.sealing import ColumnSealer, current_sealer, is_ready_to_seal, may_seal
from bt_security.fields.validation import validate_unique
from bt_security.fields.values import Hidden, LoadedSealed, Sealed, Unreadable

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from bt_security.crypto import Bound, SealingKey

    _AnyField = Field[Any, Any]
else:
    _AnyField = Field

_MISSING = object()
_SAVE_SHOWS_VALUES = VERSION >= (6, 0)
"""Since Django 6.0 `Model.save` keeps the last value of an INSERT in a local variable."""


class EncryptedFieldMixin(_AnyField):
    """Put before a Django field class: `class Encrypted…(EncryptedFieldMixin, models.…Field)`.

    Options besides those of the plain field:
        lookup: "email", "casefold", "digits", "exact" or a function; makes a blind index, on
            which `exact` and `in` work through a `BlindIndexField`.
        bind_to: names of columns of the row that the value belongs to; it opens nowhere else.
        previous_contexts: `app.model.field` names the column had before a rename.
        previous_lookups: `lookup` options whose indexes rows may still carry.
        allow_plaintext: rows may still hold the plaintext from before the column was sealed.
        confirm_lookup: the model's owner accepts a blind index on a field of few values.

    A `str` is always plaintext. `max_length` is about the plaintext; the column is text.
    """

    is_sealed_column = True
    column_sealer: ColumnSealer | None = None
    non_db_attrs = (*Field.non_db_attrs, *NOT_IN_THE_SCHEMA)

    def __init__(
        self,
        *args: Any,
        lookup: LookupOption | None = None,
        bind_to: Sequence[str] = (),
        previous_contexts: Sequence[str] = (),
        previous_lookups: Sequence[LookupOption] = (),
        allow_plaintext: bool = False,
        confirm_lookup: bool = False,
        context: str | None = None,
        **options: Any,
    ) -> None:
        for option in (*([lookup] if lookup else []), *previous_lookups):
            normaliser_name(option)
        self.lookup = lookup
        self.bind_to = (bind_to,) if isinstance(bind_to, str) else tuple(bind_to)
        self.previous_contexts = tuple(previous_contexts)
        self.previous_lookups = tuple(previous_lookups)
        self.allow_plaintext = allow_plaintext
        self.confirm_lookup = confirm_lookup
        self.recorded_context = Context(context) if context else None
        super().__init__(*args, **options)

    # What migrations record.

    @property
    def context(self) -> str:
        """`app_label.model.field` of the concrete model, as it is named now."""
        return f"{self.model._meta.concrete_model._meta.label_lower}.{self.name}"  # type: ignore[union-attr]

    @property
    def contexts(self) -> tuple[str, ...]:
        """The context that seals, then those that may still open."""
        return (self.context, *self.previous_contexts)

    @property
    def lookups(self) -> tuple[LookupOption, ...]:
        """The lookup option that makes the index, then those whose indexes may still be found."""
        return (self.lookup, *self.previous_lookups) if self.lookup else ()

    def deconstruct(self) -> Any:
        """Return what a migration needs: never a key, and the context for the rename check.

        `unique` is left out, because the UNIQUE constraint belongs to the index column.
        """
        name, path, args, options = super().deconstruct()
        path = public_path(path)
        options.pop("unique", None)
        for option in OPTIONS:
            value = getattr(self, option)
            if value:
                options[option] = list(value) if isinstance(value, tuple) else value
        if self.recorded_context:
            options["context"] = self.recorded_context
        elif getattr(self, "model", None) is not None and not self.model._meta.abstract:
            options["context"] = Context(self.context)
        return name, path, args, options

    def contribute_to_class(self, cls: type[Model], name: str, **options: Any) -> None:  # type: ignore[override]
        """Register the field and connect what saving its model needs."""
        if self.bind_to:
            self.descriptor_class = BoundAttribute
        for made_for_another_model in (
            "codec",
            "from_db_value",
            "get_db_prep_save",
            "plain_field",
        ):
            self.__dict__.pop(made_for_another_model, None)
        self.column_sealer = None
        super().contribute_to_class(cls, name, **options)
        connect(cls, bound=bool(self.bind_to))

    def check(self, **options: Any) -> list[Any]:
        """Return the plain field's findings and ours."""
        return [*super().check(**options), *check_field(self)]

    # The column.

    def get_internal_type(self) -> str:
        """Return `TextField`: that is what the column is, whatever the value is."""
        return "TextField"

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return the database's text type."""
        return str(connection.data_types["TextField"])

    def cast_db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return the text type for `CAST`."""
        return connection.ops.cast_data_types.get("TextField") or self.db_type(connection)

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        """Return type, CHECK and the byte-wise collation where it has to be named."""
        parameters = {"type": self.db_type(connection), "check": self.db_check(connection)}
        if collation := byte_collation(connection):
            parameters["collation"] = collation
        return parameters

    def db_check(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return the CHECK that refuses plaintext, none while the column may still hold some."""
        if self.holds_other_text:
            return None
        return sealed_shape(connection, connection.ops.quote_name(str(self.column)))

    @property
    def foreign_formats(self) -> list[str]:
        """Readers that `BT_SECURITY_KEYS_FOREIGN_FORMATS` names for this column."""
        return formats_named_for(self.context, self.recorded_context)

    @property
    def holds_other_text(self) -> bool:
        """Whether the column may still hold plaintext or another package's values."""
        return self.allow_plaintext or bool(self.foreign_formats)

    # The value.

    @cached_property
    def plain_field(self) -> Any:
        """The field as its plain class, for what depends on the plain column type."""
        return plain_twin(self)

    @cached_property
    def validators(self) -> list[Any]:
        """The plain field's validators, its range on this database included."""
        return list(self.plain_field.validators)

    @cached_property
    def codec(self) -> TextCodec:
        """How values become bytes."""
        return codec_for(self)

    @cached_property
    def is_simple_text(self) -> bool:
        """Whether a value is the UTF-8 text itself: no index, not bound, no method overridden."""
        kind = type(self)
        return (
            not (self.lookup or self.bind_to)
            and type(self.codec) is StringCodec
            and kind.get_db_prep_save is EncryptedFieldMixin.get_db_prep_save
            and kind.from_db_value is EncryptedFieldMixin.from_db_value
            and type(self.plain_field).pre_save is Field.pre_save
        )

    def to_python(self, value: Any) -> Any:
        """Convert input; sealed and unreadable values pass."""
        if isinstance(value, (Sealed, Unreadable)):
            return value
        if isinstance(value, float):  # DecimalField would ask for its own `self.context`.
            return self.plain_field.to_python(value)
        return super().to_python(value)

    def validate(self, value: Any, model_instance: Model | None) -> None:
        """Validate as the plain field does, then look for duplicates through the index.

        Raises:
            ValidationError: refused by the plain field, or the value is taken.
        """
        if isinstance(value, (Sealed, Unreadable)):
            return
        super().validate(value, model_instance)
        if model_instance is not None:
            validate_unique(self, value, model_instance)

    def formfield(self, *classes: Any, **options: Any) -> Any:
        """Return the plain field's form field; where a value does not open, it takes no input."""
        return keeping_unreadable(super().formfield(*classes, **options))

    def value_from_object(self, obj: Model) -> Any:
        """Return the value for a form, the placeholder if it does not open."""
        return form_value(self, obj, super().value_from_object)

    def run_validators(self, value: Any) -> None:
        """Run the plain validators on plaintext."""
        if not isinstance(value, (Sealed, Unreadable)):
            super().run_validators(value)

    def pre_save(self, model_instance: Model, add: bool) -> Any:
        """Return what is stored, without leaving plaintext in the frames of Django's `save`.

        An UPDATE keeps its values in local variables while it runs, so they are sealed here.
        An INSERT does not: there `get_db_prep_save` seals, which is cheaper.

        Raises:
            KeyRefused: this process may not seal.
        """
        if not (add and self.is_simple_text and is_ready_to_seal(self)):
            sealed = self._sealed_already(model_instance)
            if sealed is not None:
                return sealed
            may_seal(self)
        value = model_instance.__dict__.get(self.attname, _MISSING)
        if add and value.__class__ is str and self.is_simple_text:
            return Hidden(value) if _SAVE_SHOWS_VALUES else value
        if isinstance(value, Unreadable):
            return Sealed.trusted(value.text)
        value = super().pre_save(model_instance, add)
        if value is None or isinstance(value, Sealed) or hasattr(value, "resolve_expression"):
            return value
        if self.bind_to:
            return Sealed.trusted(self.seal(value, bound=current_binding(model_instance, self)))
        return Hidden(value) if add else Sealed.trusted(self.seal(value))

    def _sealed_already(self, instance: Model) -> Sealed | None:
        """Return what needs no key to be stored; a plaintext stays out of the caller's frame."""
        value = instance.__dict__.get(self.attname)
        if isinstance(value, Unreadable):
            return Sealed.trusted(value.text)
        return value if isinstance(value, Sealed) else None

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        """Return the text to store: a `Sealed` one as it is, anything else sealed.

        Raises:
            FieldError: the column is bound to its row, which is unknown here.
            KeyRefused: this process may not seal.
        """
        if value is None:
            return None
        if isinstance(value, Sealed):
            return value.text
        if value.__class__ is Hidden:
            return self.get_db_prep_save(value.plaintext, connection)
        if hasattr(value, "as_sql"):
            return value
        if isinstance(value, Unreadable):
            raise FieldError(f"{self} did not open where it was read, so it cannot be stored here")
        if self.bind_to:
            raise FieldError(
                f"{self} is bound to {', '.join(self.bind_to)}: update() and bulk_update() do not "
                "know the row; use save() or bt_security.fields.rebind()"
            )
        return self.seal(value)

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        """Refuse: whatever is compared with the column in SQL is sealed text, never a value.

        Raises:
            FieldError: a look-up class of Django was used past the field's look-ups.
        """
        raise FieldError(f"{self} is encrypted: use filter({self.name}=…), which knows its index")

    def seal(
        self, value: Any, *, bound: Sequence[Bound] = (), key: SealingKey | None = None
    ) -> str:
        """Return the sealed text of a Python value that is not None.

        Raises:
            KeyRefused: this process may not seal.
        """
        sealer = may_seal(self)
        content = self.codec.encode(value)
        if not self.lookup and not bound and key is None:
            return sealer.seal(content)
        return sealer.seal_with(
            content,
            indexed=self.codec.to_text(value) if self.lookup else None,
            bound=bound,
            key=key or sealer.keyring.sealing_key,
        )

    def open_text(self, text: str, bound: Sequence[Bound] = ()) -> Any:
        """Return the Python value of a stored text.

        Raises:
            WrongKey, RetiredKey, Tampered, NotSealed: it does not open.
        """
        sealer = current_sealer(self)
        try:
            content = sealer.open_with(text, bound) if bound else sealer.open(text)
        except NotSealed:
            return open_plain(self, text, inside_rotation=False)
        try:
            return self.codec.decode(content)
        except NOT_A_VALUE:
            raise Tampered(key_id=text[KEY_ID], detail="not a value of this field's type") from None

    def get_db_converters(self, connection: BaseDatabaseWrapper) -> list[Any]:
        """Return `from_db_value` alone: the plain field's converters expect its own column."""
        return [self.from_db_value]

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        """Open a stored text; a bound one waits, a bad one becomes a placeholder.

        For simple text columns `quick_reader` takes the place of this method.
        """
        if value is None:
            return None
        if self.bind_to:
            current_sealer(self)  # The attribute may be read in async code, which reads no keys.
            return LoadedSealed.trusted(value, opener=self._open_with_columns)
        return self.read(value)

    def read(self, text: str) -> Any:
        """Return the value of a stored text, or the placeholder if it does not open."""
        try:
            return self.open_text(text)
        except OpenRefused as error:
            self.watch_attribute()
            return Unreadable(text, error, field=self)

    def watch_attribute(self) -> None:
        """Make the attribute raise for unreadable values, from the first one that appears on.

        Until then it is Django's plain attribute, which costs nothing to set and to read.
        """
        if not isinstance(vars(self.model).get(self.attname), SealedAttribute):
            setattr(self.model, self.attname, SealedAttribute(self))

    def _open_with_columns(self, text: str, columns: dict[str, Any]) -> Any:
        return self.open_text(text, binding_of(self, columns))

    # Queries and serialisation.

    def get_lookup(self, lookup_name: str) -> Any:
        """Return the look-up through the blind index, or refuse.

        Raises:
            FieldError: the look-up cannot work on sealed text.
        """
        return lookup_class(self, lookup_name)

    def get_transform(self, lookup_name: str) -> Any:
        """Refuse every transform.

        Raises:
            FieldError: always; sealed text has no parts.
        """
        return refuse_transform(self, lookup_name)

    def value_to_string(self, obj: Model) -> str:
        """Return sealed text for serializers that are not ours; never the plaintext."""
        value = sealed_value(obj, self)
        return "" if value is None else value.text
