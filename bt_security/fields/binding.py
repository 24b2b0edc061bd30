"""`bind_to`: a sealed value that opens only in its own row."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldError
from django.db import models, router, transaction
from django.db.models.signals import class_prepared, post_init, pre_save

from bt_security.crypto import Bound, looks_sealed
from bt_security.exceptions import BindingChanged, OpenRefused
from bt_security.fields.values import LoadedSealed, Sealed, Unreadable
from bt_security.types import OWN_APP

if TYPE_CHECKING:
    from django.db.models import Model

_STATE = "bt_security_bound"
_GUARDED = "_bt_security_guarded"
_REBIND_BATCH = 500


def bound_fields(model: type[Model]) -> list[Any]:
    """Return the encrypted fields of a model that are bound to other columns."""
    fields: list[Any] = list(model._meta.concrete_fields)
    return [field for field in fields if getattr(field, "bind_to", ())]


def canonical(field: models.Field[Any, Any], value: Any) -> Bound:
    """Return a bound column's value in the one form that goes into the AAD.

    Raises:
        FieldError: the value is an expression, which only the database can compute.
        TypeError: the column is not an integer, text or UUID.
    """
    if value is None:
        return None
    if hasattr(value, "resolve_expression"):
        raise FieldError(f"{field}: a sealed value is bound to it, so it takes no expression")
    target: Any = field
    while target.remote_field is not None:
        target = target.target_field
    python: Bound = target.to_python(value)
    return python


def binding_of(field: Any, values: dict[str, Any]) -> tuple[Bound, ...]:
    """Return the binding for column values given by field name.

    Raises:
        TypeError: a bound column is missing.
    """
    if missing := set(field.bind_to) - values.keys():
        raise TypeError(f"the bound value needs {', '.join(sorted(missing))}")
    columns = [field.model._meta.get_field(name) for name in field.bind_to]
    return tuple(canonical(column, _plain_key(values[column.name])) for column in columns)


def _plain_key(value: Any) -> Any:
    return value.pk if isinstance(value, models.Model) else value


def current_binding(instance: Model, field: Any) -> tuple[Bound, ...]:
    """Return the binding that the instance's attributes give now."""
    columns = [field.model._meta.get_field(name) for name in field.bind_to]
    return tuple(canonical(column, getattr(instance, column.attname)) for column in columns)


def loaded_binding(instance: Model, field: Any) -> tuple[Bound, ...]:
    """Return the binding the instance was loaded with, asking the database if it was deferred."""
    known: dict[str, Any] = getattr(instance._state, _STATE, {})
    columns = [field.model._meta.get_field(name) for name in field.bind_to]
    if all(column.attname in known for column in columns):
        return tuple(canonical(column, known[column.attname]) for column in columns)
    stored = _stored_row(instance, field)
    return stored[1] if stored else current_binding(instance, field)


def remember_binding(
    sender: type[Model], instance: Model, update_fields: Iterable[str] | None = None, **_: Any
) -> None:
    """Note the bound columns of an instance as loaded. Receiver of `post_init`.

    After a save of some columns only those are noted: the row still has the others as they were.
    """
    columns = {
        column.attname: column.name
        for field in bound_fields(sender)
        for column in map(field.model._meta.get_field, field.bind_to)
    }
    known: dict[str, Any] = dict(getattr(instance._state, _STATE, {}))
    for attname, name in columns.items():
        is_stored = update_fields is None or name in update_fields or attname in update_fields
        if is_stored and attname in instance.__dict__:
            known[attname] = instance.__dict__[attname]
    setattr(instance._state, _STATE, known)


def prepare_raw_save(sender: type[Model], instance: Model, raw: bool, **_: Any) -> None:
    """Seal what a raw save reads past `Field.pre_save`. Receiver of `pre_save`.

    A fixture's plaintext for a bound column is sealed here, and an unreadable value becomes
    the text to write back, because Django reads plain attributes in a raw save.
    """
    if not raw:
        return
    fields: list[Any] = list(sender._meta.concrete_fields)
    for field in fields:
        if not getattr(field, "is_sealed_column", False) or field.attname not in instance.__dict__:
            continue
        value = instance.__dict__[field.attname]
        if isinstance(value, (Unreadable, Sealed)):
            instance.__dict__[field.attname] = Sealed.trusted(value.text)
        elif value is not None and field.bind_to:
            instance.__dict__[field.attname] = sealed_value(instance, field)


def sealed_value(instance: Model, field: Any) -> Sealed | None:
    """Return what a fixture holds: the stored text where it is at hand, else the value sealed.

    Changes nothing on the instance, unlike `pre_save`, which moves an `auto_now` field on.

    Raises:
        NotSealed: the column holds a text that is neither sealed nor plaintext to accept.
        KeyRefused: this process may not seal.
    """
    if field.attname not in instance.__dict__:
        instance.refresh_from_db(fields=[field.attname])
    value = instance.__dict__[field.attname]
    if isinstance(value, (Sealed, Unreadable)):
        if looks_sealed(value.text):
            return Sealed.trusted(value.text)
        value = getattr(instance, field.attname)
    if value is None:
        return None
    return Sealed.trusted(field.seal(value, bound=current_binding(instance, field)))


def guard_saves(model: type[Model]) -> None:
    """Make `model` re-seal bound values whose columns changed, whatever `save` was given."""
    original = model.save_base
    if getattr(original, _GUARDED, False):
        return

    @functools.wraps(original)
    def save_base(
        self: Model,
        raw: bool = False,
        force_insert: bool | tuple[type[Model], ...] = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        if not raw:
            update_fields = reseal_changed(self, using=using, update_fields=update_fields)
        original(
            self,
            raw=raw,
            force_insert=force_insert,
            force_update=force_update,
            using=using,
            update_fields=update_fields,
        )
        remember_binding(type(self), self, update_fields)

    setattr(save_base, _GUARDED, True)
    model.save_base = save_base  # type: ignore[method-assign,assignment]


def connect(model: type[Model], *, bound: bool) -> None:
    """Connect what a model with encrypted fields needs; historical models need nothing.

    The package's own need no receiver, so that an app that is merely installed connects none:
    nobody inherits from them, and our deserializer reads their fixtures. Their feature calls
    `note_loaded`.
    """
    if model._meta.abstract or model.__module__ == "__fake__":
        return
    if model._meta.app_label == OWN_APP:
        if bound:
            guard_saves(model)
        return
    class_prepared.connect(connect_heir, dispatch_uid="bt_security.heirs")
    pre_save.connect(prepare_raw_save, sender=model, dispatch_uid="bt_security.raw_save")
    if bound:
        note_loaded(model)
        guard_saves(model)


def note_loaded(model: type[Model]) -> None:
    """Let instances know the binding they were loaded with; without it each asks the database."""
    post_init.connect(remember_binding, sender=model, dispatch_uid="bt_security.bound")


def connect_heir(sender: type[Model], **_: Any) -> None:
    """Connect proxies and children of a model with encrypted fields: signals name the class."""
    inherited = [
        field
        for field in sender._meta.concrete_fields
        if getattr(field, "is_sealed_column", False) and field.model is not sender
    ]
    if inherited:
        connect(sender, bound=any(getattr(field, "bind_to", ()) for field in inherited))


def reseal_changed(
    instance: Model, *, using: str | None, update_fields: Iterable[str] | None
) -> Collection[str] | None:
    """Open bound values whose columns changed, so that the save seals them anew.

    Returns the fields to update, the re-sealed ones pulled in.

    Raises:
        BindingChanged: a value does not open with the columns that the database has, or a new
            value is to be saved without the changed column it is bound to.
    """
    chosen = None if update_fields is None else frozenset(update_fields)
    for field in bound_fields(type(instance)):
        changed = _changed_columns(instance, field)
        saved = [c for c in changed if chosen is None or chosen & {c.name, c.attname}]
        is_chosen = chosen is None or field.name in chosen
        if changed != saved and (saved or (is_chosen and _has_plaintext(instance, field))):
            raise BindingChanged(
                f"{_place(instance, field)} changed and is not in update_fields. Nothing was saved."
            )
        if not saved:
            continue
        _reopen(instance, field, using=using, is_chosen=is_chosen)
        if chosen is not None:
            chosen |= {field.name}
    return chosen


def _changed_columns(instance: Model, field: Any) -> list[Any]:
    """The bound columns whose attributes are not what the row was loaded with."""
    known: dict[str, Any] = getattr(instance._state, _STATE, {})
    changed = []
    for column in map(field.model._meta.get_field, field.bind_to):
        if column.attname not in instance.__dict__:
            continue
        value = canonical(column, instance.__dict__[column.attname])
        if column.attname not in known or canonical(column, known[column.attname]) != value:
            changed.append(column)
    return changed


def _place(instance: Model, field: Any) -> str:
    return (
        f"{instance._meta.label}.{field.name} (primary key {instance.pk!r}) is bound to "
        f"{', '.join(field.bind_to)}, which"
    )


def _has_plaintext(instance: Model, field: Any) -> bool:
    value = instance.__dict__.get(field.attname)
    return value is not None and not isinstance(value, Sealed)


def _reopen(instance: Model, field: Any, *, using: str | None, is_chosen: bool) -> None:
    """Put the plaintext in the place of a loaded value, so that the save seals it anew.

    The value is the instance's own if its field is saved by choice (or the row is new), and what
    the database has now if the field is only pulled in. What was assigned is left alone.
    """
    value = instance.__dict__.get(field.attname)
    loaded = value if isinstance(value, LoadedSealed) else None
    is_assigned = value is not None or (is_chosen and field.attname in instance.__dict__)
    if loaded is None and is_assigned:
        return
    known: dict[str, Any] = getattr(instance._state, _STATE, {})
    columns = [field.model._meta.get_field(name) for name in field.bind_to]
    if loaded is not None and is_chosen and all(column.attname in known for column in columns):
        binding = tuple(canonical(column, known[column.attname]) for column in columns)
        text: str | None = loaded.text
    else:
        text, binding = _stored_row(instance, field, using=using) or (None, ())
    if text is None or binding == current_binding(instance, field):
        return
    try:
        instance.__dict__[field.attname] = field.open_text(text, binding)
    except OpenRefused as error:
        raise BindingChanged(
            f"{_place(instance, field)} changed, and its value does not open "
            f"({type(error).__name__}), so it cannot be sealed for the new row. Nothing was saved."
        ) from None


def _stored_row(
    instance: Model, field: Any, *, using: str | None = None
) -> tuple[str | None, tuple[Bound, ...]] | None:
    alias = using or instance._state.db or router.db_for_read(type(instance), instance=instance)
    rows = field.model._base_manager.using(alias).filter(pk=instance.pk)
    row = rows.values(field.name, *field.bind_to).first()
    if row is None:
        return None
    sealed = row.pop(field.name)
    return (sealed.text if sealed is not None else None), binding_of(field, row)


def rebind(queryset: models.QuerySet[Any], **new: Any) -> int:
    """Change bound columns of many rows and seal their values for the new ones.

    `new` gives column values by field name, as for `QuerySet.update`. Runs in one transaction
    with the rows locked; sends no save signals. Returns the number of rows changed.

    Raises:
        BindingChanged: a value does not open; no row was changed.
    """
    alias = getattr(queryset, "_db", None) or router.db_for_write(queryset.model)
    columns: list[tuple[Any, Any]] = [
        (queryset.model._meta.get_field(name), value) for name, value in new.items()
    ]
    new = {column.name: value for column, value in columns}
    fields = [f for f in bound_fields(queryset.model) if set(f.bind_to) & set(new)]
    rows = queryset.model._base_manager.using(alias)
    with transaction.atomic(using=alias):
        chosen = list(queryset.using(alias).values_list("pk", flat=True))
        for start in range(0, len(chosen), _REBIND_BATCH):
            batch = rows.filter(pk__in=chosen[start : start + _REBIND_BATCH])
            for instance in batch.select_for_update():
                for column, value in columns:
                    setattr(instance, column.attname, _plain_key(value))
                for field in fields:
                    _reopen(instance, field, using=alias, is_chosen=True)
                sealed = {field.name: field.pre_save(instance, False) for field in fields}
                rows.filter(pk=instance.pk).update(**new, **sealed)
    return len(chosen)
