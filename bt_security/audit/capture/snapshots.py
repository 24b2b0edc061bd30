"""What a row held when it was loaded, and what a save has changed of it.

The values that `from_db` gets are kept as they are, by reference: reading rows costs next to
nothing. They are dropped where a rollback could make them wrong; a save that does not know its
row asks the database for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from django.core.files import File
from django.db import models

from bt_security.audit.canonical import MASKED
from bt_security.audit.capture.masks import is_expression, is_masked, python_value, shown
from bt_security.exceptions import OpenRefused
from bt_security.fields import Sealed, Unreadable
from bt_security.fields.binding import loaded_binding
from bt_security.fields.values import LoadedSealed

LOADED = "bt_security_loaded"
"""Attribute of an instance's `_state`: a row as it came, or its tracked values by attribute."""

SOURCE = "bt_security_loaded_from"
"""Attribute of `_state`: the database of that row, where it is not the one in `_state.db`."""

MISSING = object()

_ATOMS = frozenset(
    {bool, bytes, date, datetime, Decimal, float, int, str, time, timedelta, type(None), UUID}
)
_HOLDING_ATOMS = (
    models.BinaryField,
    models.BooleanField,
    models.CharField,
    models.DateField,
    models.DecimalField,
    models.DurationField,
    models.FloatField,
    models.ForeignKey,
    models.GenericIPAddressField,
    models.IntegerField,
    models.TextField,
    models.TimeField,
    models.UUIDField,
)


@dataclass(frozen=True, slots=True)
class Options:
    """What `@audited` was given."""

    fields: tuple[str, ...] | None
    mask: frozenset[str]
    exclude: frozenset[str]

    def takes(self, field: Any) -> bool:
        """Whether entries tell of this field: by default of all that a form could show."""
        if field.name in self.exclude:
            return False
        if self.fields is not None:
            return field.name in self.fields
        return bool(field.editable) and not field.primary_key


class Tracked(NamedTuple):
    """One column that entries tell of."""

    name: str
    attname: str
    position: int
    field: Any
    is_masked: bool


class Plan(NamedTuple):
    """What is captured of one model.

    `width` is the number of its columns; `plain_width` is -1 where some of the positions in
    `mutable` have to be copied.
    """

    model: type[models.Model]
    hooked: type[models.Model]
    width: int
    fields: tuple[Tracked, ...]
    mutable: tuple[int, ...]
    plain_width: int

    def among(self, names: Collection[str] | None) -> Iterable[Tracked]:
        """Return the fields of these names, which may be names of attributes; None = all."""
        if names is None:
            return self.fields
        return [one for one in self.fields if one.name in names or one.attname in names]


def options_of(model: type[models.Model]) -> Options | None:
    """Return what `@audited` said of a model or the nearest of its bases, None if it did not."""
    return getattr(model, "bt_audited", None)


@cache
def plan_of(model: type[models.Model]) -> Plan:
    """Return what is captured of an audited model."""
    options: Options = model.bt_audited  # type: ignore[attr-defined]
    columns: Sequence[Any] = model._meta.concrete_fields
    fields = tuple(
        Tracked(field.name, field.attname, position, field, is_masked(field, options.mask))
        for position, field in enumerate(columns)
        if options.takes(field)
    )
    mutable = tuple(one.position for one in fields if _may_be_mutable(one.field))
    return Plan(
        model=model._meta.concrete_model or model,
        hooked=next(base for base in model.__mro__ if "bt_audited" in vars(base)),
        width=len(columns),
        fields=fields,
        mutable=mutable,
        plain_width=-1 if mutable else len(columns),
    )


def keep_row(
    instance: models.Model, plan: Plan, names: Iterable[str], values: Sequence[Any]
) -> None:
    """Keep a row that has just become this instance."""
    if plan.mutable:
        values = [
            copied(value) if position in plan.mutable else value
            for position, value in enumerate(values)
        ]
    is_whole = len(values) == plan.width
    setattr(instance._state, LOADED, values if is_whole else _by_name(names, values))


def keep_current(
    instance: models.Model, plan: Plan, names: Collection[str] | None, *, using: str
) -> None:
    """Take what the instance holds as the row: it was saved and committed, or read again."""
    known = _known(instance, plan, using=using)
    attributes = vars(instance)
    for one in plan.among(names):
        value = attributes.get(one.attname, MISSING)
        if value is MISSING or is_expression(value):
            known.pop(one.attname, None)
        else:
            known[one.attname] = copied(value)
    _keep(instance, known, using=using)


def has_row(instance: models.Model) -> bool:
    """Whether it is known, at least in part, what the row held."""
    return getattr(instance._state, LOADED, None) is not None


def forget_row(instance: models.Model) -> None:
    """Know nothing of the row any more."""
    _keep(instance, None, using=None)


def know_row(
    instance: models.Model, plan: Plan, names: Collection[str] | None, *, key: Any, using: str
) -> None:
    """Ask the database for what the save will overwrite, as far as it is not known.

    `key` is the row's primary key, which an heir has under another name than its parent.
    """
    loaded = getattr(instance._state, LOADED, None)
    is_here = _source(instance) == using
    if is_here and loaded is not None and loaded.__class__ is not dict:
        return
    known = _known(instance, plan, using=using)
    attributes = vars(instance)
    unknown = [
        one.attname
        for one in plan.among(names)
        if one.attname in attributes and one.attname not in known
    ]
    if unknown:
        known |= _stored(instance, unknown, key=key, using=using)
    _keep(instance, known, using=using)


def created_values(instance: models.Model, plan: Plan, *, using: str) -> dict[str, Any]:
    """Return [None, value] of every column that is not NULL, by field name."""
    attributes = vars(instance)
    changes: dict[str, Any] = {}
    computed: list[Tracked] = []
    for one in plan.fields:
        value = attributes.get(one.attname)
        if value is None:
            continue
        if one.is_masked:
            changes[one.name] = MASKED
        elif is_expression(value):
            computed.append(one)
        else:
            changes[one.name] = [None, shown(python_value(one.field, value))]
    return _with_computed(changes, instance, computed, using=using)


def changed_values(
    instance: models.Model, plan: Plan, names: Collection[str] | None, *, using: str
) -> dict[str, Any]:
    """Return [old, new] of every column that the save has changed, by field name."""
    attributes = vars(instance)
    loaded = getattr(instance._state, LOADED)
    is_dict = loaded.__class__ is dict
    changes: dict[str, Any] = {}
    computed: list[Tracked] = []
    for one in plan.among(names):
        new = attributes.get(one.attname, MISSING)
        old = loaded.get(one.attname) if is_dict else loaded[one.position]
        if new is old or new is MISSING or is_same(one.field, old, new, instance=instance):
            continue
        if one.is_masked:
            changes[one.name] = MASKED
            continue
        changes[one.name] = [shown(old), shown(python_value(one.field, new))]
        if is_expression(new):
            computed.append(one)
    return _with_computed(changes, instance, computed, using=using)


def deleted_values(instance: models.Model, plan: Plan, *, using: str) -> dict[str, Any]:
    """Return [value, None] of every column that was loaded and is not NULL, by field name."""
    known = vars(instance) | _known(instance, plan, using=using)
    return {
        one.name: MASKED
        if one.is_masked
        else [shown(python_value(one.field, known[one.attname])), None]
        for one in plan.fields
        if known.get(one.attname) is not None
    }


def is_same(field: Any, old: Any, new: Any, *, instance: models.Model) -> bool:
    """Whether the column holds the same after `new` was saved over `old`."""
    if isinstance(old, (Sealed, Unreadable)) or isinstance(new, (Sealed, Unreadable)):
        return _is_same_sealed(field, old, new, instance=instance)
    if is_expression(new):
        return False
    return bool(old == new) or bool(python_value(field, new) == old)


def copied(value: Any) -> Any:
    """Return a value that no later change of the instance reaches."""
    kind = value.__class__
    if kind in _ATOMS:
        return value
    if kind is dict:
        return {key: copied(item) for key, item in value.items()}
    if kind is list:
        return [copied(item) for item in value]
    if isinstance(value, (Sealed, Unreadable, memoryview)):
        return value
    return value.name or "" if isinstance(value, File) else deepcopy(value)


def _is_same_sealed(field: Any, old: Any, new: Any, *, instance: models.Model) -> bool:
    if isinstance(new, (Sealed, Unreadable)):
        return isinstance(old, (Sealed, Unreadable)) and old.text == new.text
    if not isinstance(old, LoadedSealed) or new is None:
        return False
    try:
        # Opened anew: what the attribute gave may have been changed in place.
        return bool(field.open_text(old.text, loaded_binding(instance, field)) == new)
    except OpenRefused:
        return False


def _may_be_mutable(field: Any) -> bool:
    if getattr(field, "is_sealed_column", False):
        return isinstance(field, models.JSONField)
    return not isinstance(field, _HOLDING_ATOMS) or hasattr(field, "from_db_value")


def _by_name(names: Iterable[str], values: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(names, values, strict=True))


def _keep(instance: models.Model, known: dict[str, Any] | None, *, using: str | None) -> None:
    setattr(instance._state, LOADED, known)
    setattr(instance._state, SOURCE, using)


def _source(instance: models.Model) -> str | None:
    """Return the database that what is known of the row comes from."""
    return getattr(instance._state, SOURCE, None) or instance._state.db


def _known(instance: models.Model, plan: Plan, *, using: str | None) -> dict[str, Any]:
    """Return what is known of the row in this database, by attribute."""
    loaded = getattr(instance._state, LOADED, None)
    if loaded is None or _source(instance) != using:
        return {}
    if loaded.__class__ is dict:
        return dict(loaded)
    return {one.attname: loaded[one.position] for one in plan.fields}


def _stored(
    instance: models.Model, attributes: list[str], *, key: Any, using: str
) -> dict[str, Any]:
    """Return columns of the row as the transaction sees it, {} if there is no row."""
    rows = type(instance)._base_manager.using(using).filter(pk=key)
    row = rows.values_list(*attributes).first()
    return {} if row is None else _by_name(attributes, row)


def _with_computed(
    changes: dict[str, Any], instance: models.Model, computed: list[Tracked], *, using: str
) -> dict[str, Any]:
    """Put what the database has computed in the place of expressions; without a change, nothing."""
    if not computed:
        return changes
    stored = _stored(instance, [one.attname for one in computed], key=instance.pk, using=using)
    for one in computed:
        old, _new = changes.pop(one.name, (None, None))
        new = stored.get(one.attname)
        if new != old:
            changes[one.name] = [old, shown(new)]
    return changes
