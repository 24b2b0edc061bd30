"""`@audited`: what is made, changed and deleted of a model is recorded by itself.

    from bt_security.audit.capture import AuditedManager, audited

    @audited(mask=["iban"])
    class Invoice(models.Model):
        ...
        objects = AuditedManager()

An entry is written after the change, in its transaction, so that none exists without the other.
Nothing is connected for models without the decorator, nor where the feature is off.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from threading import Event
from typing import Any, TypeVar

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import connections, models, transaction
from django.db.models.signals import class_prepared, post_delete

from bt_security.audit.capture.bulk import AuditedManager, AuditedQuerySet
from bt_security.audit.capture.masks import fitted
from bt_security.audit.capture.relations import connect_relations
from bt_security.audit.capture.snapshots import (
    Options,
    Plan,
    changed_values,
    created_values,
    deleted_values,
    forget_row,
    has_row,
    keep_current,
    keep_row,
    know_row,
    options_of,
    plan_of,
)
from bt_security.audit.recording import Target, record
from bt_security.conf import conf

__all__ = ["AuditedManager", "AuditedQuerySet", "audited", "connect"]

_Model = TypeVar("_Model", bound=models.Model)

_HOOKED = "bt_audit_hooked"
_UID = "bt_security.audit.capture"
_NOT_GIVEN = object()
_connected = Event()


def audited(
    *,
    fields: Iterable[str] | None = None,
    mask: Iterable[str] = (),
    exclude: Iterable[str] = (),
) -> Callable[[type[_Model]], type[_Model]]:
    """Record every row of a model that is made, changed or deleted, with old and new values.

    `fields` names what entries tell of, many-to-many fields too; by default all that a form could
    show, without `exclude`. Of those in `mask`, of encrypted fields, and of those whose name is a
    secret's, an entry only says that they changed. Proxies and heirs are audited alike, unless
    decorated themselves; a manager that is no `AuditedManager` leaves bulk operations out.

    Raises:
        ImproperlyConfigured: a name is no field of the model, or the model is a proxy.
    """
    options = Options(
        fields=None if fields is None else tuple(fields),
        mask=frozenset(mask),
        exclude=frozenset(exclude),
    )

    def decorate(model: type[_Model]) -> type[_Model]:
        _refuse_mistakes(model, options)
        model.bt_audited = options  # type: ignore[attr-defined]
        if _connected.is_set():
            _connect_model(model)
        return model

    return decorate


def connect() -> None:
    """Hook into the models with the decorator; called where the feature `audit` is on."""
    _connected.set()
    class_prepared.connect(_on_class, dispatch_uid=_UID)
    for model in apps.get_models(include_auto_created=True):
        _connect_model(model)


def _on_class(sender: type[models.Model], **_: Any) -> None:
    """Connect heirs and proxies that are defined later."""
    _connect_model(sender)


def _connect_model(model: type[models.Model]) -> None:
    if options_of(model) is None:
        return
    for base in model.__mro__:
        if "bt_audited" in vars(base) and _HOOKED not in vars(base):
            _hook(base)
    if not model._meta.abstract:
        post_delete.connect(_on_delete, sender=model, dispatch_uid=_UID)
        connect_relations(model)


def _hook(model: type[models.Model]) -> None:
    """Replace the three methods by which rows are read and written."""
    for name, method in (
        (_HOOKED, True),
        ("from_db", classmethod(_reading(model))),
        ("refresh_from_db", _refreshing(model)),
        ("_save_table", _saving(model)),
    ):
        setattr(model, name, method)


def _original(model: type[models.Model], name: str) -> Callable[..., Any]:
    """Return what `name` was for instances of `model`."""
    own: Callable[..., Any] | None = vars(model).get(name)
    if own is not None:
        return own

    def inherited(self: models.Model, *args: Any, **options: Any) -> Any:
        return getattr(super(model, self), name)(*args, **options)

    return inherited


def _reading(model: type[models.Model]) -> Callable[..., Any]:
    """Return `from_db` that keeps the row. Every row that is read passes here: it must be quick."""
    own = vars(model).get("from_db")
    readers: dict[type[models.Model], tuple[Callable[..., Any], int]] = {}

    def from_db(
        cls: Any,
        db: str | None,
        field_names: Sequence[str],
        values: Sequence[Any],
        *,
        fetch_mode: Any = _NOT_GIVEN,
    ) -> Any:
        try:
            read, plain_width = readers[cls]
        except KeyError:
            read = (super(model, cls).from_db if own is None else own.__get__(None, cls)).__func__
            plain_width = plan_of(cls).plain_width
            readers[cls] = read, plain_width
        if fetch_mode is _NOT_GIVEN:
            new = read(cls, db, field_names, values)
        else:
            new = read(cls, db, field_names, values, fetch_mode=fetch_mode)
        if len(values) == plain_width:
            new._state.bt_security_loaded = values  # by reference: they never change
        else:
            keep_row(new, plan_of(cls), field_names, values)
        return new

    return from_db


def _refreshing(model: type[models.Model]) -> Callable[..., Any]:
    original = _original(model, "refresh_from_db")

    def refresh_from_db(
        self: models.Model,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        **options: Any,
    ) -> None:
        names = None if fields is None else list(fields)
        original(self, using, names, **options)
        if has_row(self):
            keep_current(self, plan_of(type(self)), names, using=str(self._state.db))

    return refresh_from_db


def _saving(model: type[models.Model]) -> Callable[..., Any]:
    """Return `_save_table` with an entry.

    Not `save`, which fixtures pass by, and not `post_save`, which comes when the change may have
    been committed already and other receivers have had their turn.
    """
    original = _original(model, "_save_table")

    def _save_table(
        self: models.Model,
        raw: bool = False,
        cls: type[models.Model] | None = None,
        force_insert: bool = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Collection[str] | None = None,
    ) -> bool:
        save = partial(original, self, raw, cls, force_insert, force_update, using, update_fields)
        plan = plan_of(type(self))
        if plan.hooked is not model or not conf.has_feature("audit"):
            return bool(save())
        table = cls or plan.model
        may_exist = not force_insert and _may_exist(self, table, raw=raw or force_update)
        key = self._get_pk_val(table._meta) if may_exist else None
        return _save_and_record(self, plan, save, key=key, is_last=table is plan.model)

    return _save_table


def _save_and_record(
    instance: models.Model, plan: Plan, save: partial[Any], *, key: Any, is_last: bool
) -> bool:
    """Save one table of an instance; with the last one, its own, the entry is written.

    What is known of the row is believed again only if the change has been committed.
    """
    using, names = save.args[-2:]
    database = connections[using]
    commits = not database.in_atomic_block and database.get_autocommit()
    with transaction.atomic(using=using, savepoint=False):
        if key is not None:
            know_row(instance, plan, names, key=key, using=using)
        is_update = bool(save())
        if is_last:
            _record_save(instance, plan, names, using=using, is_update=is_update)
    if is_last and commits:
        keep_current(instance, plan, names, using=using)
    elif is_last:
        forget_row(instance)
    return is_update


def _may_exist(instance: Any, table: Any, *, raw: bool) -> bool:
    """Whether Django will try an UPDATE first."""
    if not instance._is_pk_set(table._meta):
        return False
    if raw or not instance._state.adding:
        return True
    return not all(field.has_default() or field.has_db_default() for field in table._meta.pk_fields)


def _record_save(
    instance: models.Model,
    plan: Plan,
    names: Collection[str] | None,
    *,
    using: str,
    is_update: bool,
) -> None:
    if is_update:
        changes = changed_values(instance, plan, names, using=using)
    else:
        changes = created_values(instance, plan, using=using)
    if changes or not is_update:
        action = "model.changed" if is_update else "model.created"
        _record(action, instance, plan, changes)


def _on_delete(
    sender: type[models.Model], instance: models.Model, using: str, origin: Any = None, **_: Any
) -> None:
    """Record a deleted row, unless it is part of what one entry tells."""
    if not conf.has_feature("audit"):
        return
    plan = plan_of(sender)
    deleted = getattr(origin, "bt_deleted_rows", None)
    if deleted is not None and origin.model._meta.concrete_model is plan.model:
        deleted.add(instance.pk)
    elif not _is_row_of_heir(instance, sender, origin, is_summed=deleted is not None):
        _record("model.deleted", instance, plan, deleted_values(instance, plan, using=using))


def _is_row_of_heir(
    instance: models.Model, sender: type[models.Model], origin: Any, *, is_summed: bool
) -> bool:
    """Whether this is the parent's row of an heir that is deleted, and has its entry."""
    if is_summed:
        return issubclass(origin.model, sender)
    return origin is not instance and isinstance(origin, sender) and origin.pk == instance.pk


def _record(action: str, instance: models.Model, plan: Plan, changes: dict[str, Any]) -> None:
    target: Target = instance
    if type(instance) is not plan.model:  # a proxy: its rows are those of the model
        target = f"{plan.model._meta.label_lower}:{instance.pk}"
    record(action, target=target, details=fitted({"changes": changes}, "changes"))


def _refuse_mistakes(model: type[models.Model], options: Options) -> None:
    if model._meta.proxy:
        raise ImproperlyConfigured(
            f"{model._meta.label} is a proxy: decorate {model._meta.concrete_model} with @audited"
        )
    for name in {*(options.fields or ()), *options.mask, *options.exclude}:
        try:
            model._meta.get_field(name)
        except FieldDoesNotExist:
            raise ImproperlyConfigured(
                f"@audited: {model._meta.label} has no field {name!r}"
            ) from None
