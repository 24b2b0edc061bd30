"""Many-to-many relations of audited models: which rows were really added and removed."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db import models
from django.db.models.signals import m2m_changed

from bt_security.audit.canonical import MASKED
from bt_security.audit.capture.masks import is_masked, listed
from bt_security.audit.capture.snapshots import options_of
from bt_security.audit.recording import record
from bt_security.conf import conf

_UID = "bt_security.audit.capture.relations"
_GOING = "bt_security_going"


class _Relation(NamedTuple):
    """A relation, as its table's receiver knows it."""

    label: str
    source: str
    target: str
    is_masked: bool


_relations: dict[type[models.Model], _Relation] = {}


def connect_relations(model: type[models.Model]) -> None:
    """Record changes of the many-to-many fields that entries of this model tell of."""
    options = options_of(model)
    fields: list[Any] = list(model._meta.many_to_many)
    for field in fields:
        if options is None or not options.takes(field):
            continue
        through = field.remote_field.through
        _relations[through] = _Relation(
            f"{field.model._meta.label_lower}.{field.name}",
            field.m2m_field_name(),
            field.m2m_reverse_field_name(),
            is_masked(field, options.mask),
        )
        m2m_changed.connect(_on_change, sender=through, dispatch_uid=_UID)


def _on_change(
    sender: type[models.Model],
    instance: models.Model,
    action: str,
    reverse: bool,
    pk_set: set[Any] | None,
    using: str,
    **_: Any,
) -> None:
    """Record added and removed rows, after the change and in its transaction."""
    if not conf.has_feature("audit"):
        return
    relation = _relations[sender]
    if action in ("pre_remove", "pre_clear"):
        _going(instance).append(_present(sender, instance, reverse, pk_set, using))
    elif action in ("post_remove", "post_clear"):
        _record(instance, relation, "removed", _going(instance).pop(), reverse=reverse)
    elif action == "post_add":
        _record(instance, relation, "added", list(pk_set or ()), reverse=reverse)


def _going(instance: models.Model) -> list[list[Any]]:
    """Return what is about to be removed, the innermost last: a receiver may remove more."""
    going: list[list[Any]] = vars(instance._state).setdefault(_GOING, [])
    return going


def _present(
    through: type[models.Model],
    instance: models.Model,
    reverse: bool,
    pk_set: set[Any] | None,
    using: str,
) -> list[Any]:
    """Return which of the rows are there: Django names those that it was asked to remove."""
    relation = _relations[through]
    here, there = relation.source, relation.target
    if reverse:
        here, there = there, here
    rows = through._base_manager.using(using).filter(**{here: instance})
    if pk_set is not None:
        rows = rows.filter(**{f"{there}__in": pk_set})
    return list(rows.values_list(there, flat=True))


def _record(
    instance: models.Model, relation: _Relation, change: str, keys: list[Any], *, reverse: bool
) -> None:
    if not keys:
        return
    details: dict[str, Any] = {
        "relation": relation.label,
        "count": len(keys),
        change: MASKED if relation.is_masked else listed(keys),
    }
    if reverse:
        details["reverse"] = True
    record("model.relation_changed", target=instance, details=details)
