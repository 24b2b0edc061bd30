"""`bind_to`: a sealed value that opens only in its own row."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from django.db import models, router, transaction
from django.db.models.signals import post_init, pre_save

from bt_security.crypto import Bound
from bt_security.exceptions import BindingChanged, OpenRefused
from bt_security.fields.values import Sealed, Unreadable

if TYPE_CHECKING:
    from django.db.models import Model

_STATE = "bt_security_bound"
_GUARDED = "_bt_security_guarded"
_REBIND_BATCH = 500


def bound_fields(model: type[Model]) -> list[Any]:
    """Return the encrypted fields of a model that are bound to other columns."""
    return [field for field in model._meta.concrete_fields if getattr(field, "bind_to", ())]


def canonical(field: models.Field[Any, Any], value: Any) -> Bound:
    """Return a bound column's value in the one form that goes into the AAD.

    Raises:
        TypeError: the column is not an integer, text or UUID.
    """
    if value is None:
        return None
    target: Any = field
    while target.remote_field is not None:
        target = target.target_field
    python: Bound = target.to_python(value)
    return python


def binding_of(field: Any, values: dict[str, Any]) -> tuple[Bound, ...]:
    """Return the binding for column values given by field name."""
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


def remember_binding(sender: type[Model], instance: Model, **_: Any) -> None:
    """Note the bound columns of an instance as loaded. Receiver of `post_init`."""
    names = {
        field.model._meta.get_field(name).attname
        for field in bound_fields(sender)
        for name in field.bind_to
    }
    known = {name: instance.__dict__[name] for name in names if name in instance.__dict__}
    setattr(instance._state, _STATE, known)


def prepare_raw_save(sender: type[Model], instance: Model, raw: bool, **_: Any) -> None:
    """Seal what a raw save reads past `Field.pre_save`. Receiver of `pre_save`.

    A fixture's plaintext for a bound column is sealed here, and an unreadable value becomes
    the text to write back, because Django reads plain attributes in a raw save.
    """
    if not raw:
        return
    for field in sender._meta.concrete_fields:
        if not getattr(field, "is_sealed_column", False) or field.attname not in instance.__dict__:
            continue
        value = instance.__dict__[field.attname]
        if isinstance(value, (Unreadable, Sealed)) or (value is not None and field.bind_to):
            instance.__dict__[field.attname] = Sealed.trusted(field.pre_save(instance, False).text)


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
        remember_binding(type(self), self)

    setattr(save_base, _GUARDED, True)
    model.save_base = save_base  # type: ignore[method-assign,assignment]


def connect(model: type[Model], *, bound: bool) -> None:
    """Connect what a model with encrypted fields needs; historical models need nothing."""
    if model._meta.abstract or model.__module__ == "__fake__":
        return
    pre_save.connect(prepare_raw_save, sender=model, dispatch_uid="bt_security.raw_save")
    if bound:
        post_init.connect(remember_binding, sender=model, dispatch_uid="bt_security.bound")
        guard_saves(model)


def reseal_changed(
    instance: Model, *, using: str | None, update_fields: Iterable[str] | None
) -> Collection[str] | None:
    """Open bound values whose columns changed, so that the save seals them anew.

    Returns the fields to update, the re-sealed ones pulled in.

    Raises:
        BindingChanged: a value does not open with the columns that the database has.
    """
    chosen = None if update_fields is None else frozenset(update_fields)
    if instance._state.adding:
        return chosen
    for field in bound_fields(type(instance)):
        if not _may_have_changed(instance, field, chosen):
            continue
        if not _has_new_plaintext(instance, field):
            _reopen(instance, field, using=using)
        if chosen is not None:
            chosen |= {field.name}
    return chosen


def _may_have_changed(instance: Model, field: Any, chosen: frozenset[str] | None) -> bool:
    known: dict[str, Any] = getattr(instance._state, _STATE, {})
    for name in field.bind_to:
        column = field.model._meta.get_field(name)
        if column.attname not in instance.__dict__:
            continue
        if chosen is not None and not chosen & {column.name, column.attname}:
            continue
        value = canonical(column, instance.__dict__[column.attname])
        if column.attname not in known or canonical(column, known[column.attname]) != value:
            return True
    return False


def _has_new_plaintext(instance: Model, field: Any) -> bool:
    missing = object()
    value = instance.__dict__.get(field.attname, missing)
    return value is not missing and not isinstance(value, (Sealed, Unreadable))


def _reopen(instance: Model, field: Any, *, using: str | None) -> None:
    stored = _stored_row(instance, field, using=using)
    if stored is None:
        return
    text, binding = stored
    if text is None or binding == current_binding(instance, field):
        return
    try:
        instance.__dict__[field.attname] = field.open_text(text, binding)
    except OpenRefused as error:
        raise BindingChanged(
            f"{instance._meta.label}.{field.name} (primary key {instance.pk!r}) is bound to "
            f"{', '.join(field.bind_to)}, which changed, and its value does not open "
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
    alias = queryset._db or router.db_for_write(queryset.model)
    fields = [f for f in bound_fields(queryset.model) if set(f.bind_to) & set(new)]
    rows = queryset.model._base_manager.using(alias)
    with transaction.atomic(using=alias):
        chosen = list(queryset.using(alias).values_list("pk", flat=True))
        for start in range(0, len(chosen), _REBIND_BATCH):
            batch = rows.filter(pk__in=chosen[start : start + _REBIND_BATCH])
            for instance in batch.select_for_update():
                for name, value in new.items():
                    setattr(instance, name, value)
                for field in fields:
                    _reopen(instance, field, using=alias)
                sealed = {field.name: field.pre_save(instance, False) for field in fields}
                rows.filter(pk=instance.pk).update(**new, **sealed)
    return len(chosen)
