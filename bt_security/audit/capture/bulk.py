"""`AuditedQuerySet`: one entry for what changes many rows at once."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from django.db import connections, models, transaction

from bt_security.audit.canonical import MASKED
from bt_security.audit.capture.masks import LISTED_KEYS, fitted, listed, python_value, shown
from bt_security.audit.capture.snapshots import Plan, forget_row, options_of, plan_of
from bt_security.audit.recording import record
from bt_security.conf import conf

_Row = TypeVar("_Row", bound=models.Model)


class DeletedRows:
    """What one `delete()` has deleted of its own model, told by `post_delete`."""

    def __init__(self) -> None:
        self.count = 0
        self.keys: list[Any] = []

    def add(self, key: Any) -> None:
        """Count a row."""
        self.count += 1
        if len(self.keys) < LISTED_KEYS:
            self.keys.append(key)


class AuditedQuerySet(models.QuerySet[_Row]):
    """Record one entry for each `update`, `bulk_create`, `bulk_update` and `delete`.

    It is written in the same transaction and has the number of rows, up to 100 primary keys, and
    what was set. Without `@audited` on the model, or with the feature off, nothing is recorded.

    Raises (all four):
        AuditUnavailable: the entry could not be stored; nothing was changed.
    """

    records_bulk_operations = True
    bt_deleted_rows: DeletedRows | None = None
    _bt_is_part = False

    def update(self, **kwargs: Any) -> int:
        """Update rows and record it, if a field is set that entries tell of."""
        plan = self._plan()
        values = _set_values(plan, kwargs) if plan else None
        if plan is None or not values or self.query.is_sliced or self.query.combinator:
            return super().update(**kwargs)
        using = self._writing_database()
        with _one_transaction(using):
            keys = self._some_keys(using)
            count = super().update(**kwargs)
            if count:
                said = {"count": count, "pks": keys, "values": values, "where": self._condition()}
                _record("model.bulk_changed", plan, fitted(said, "values"), using=using)
        return count

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[_Row], *args: Any, **options: Any) -> list[_Row]:
        """Insert rows and record it; rows that a conflict left out are counted, too."""
        plan = self._plan()
        if plan is None:
            return super().bulk_create(objs, *args, **options)
        using = self._writing_database()
        with _one_transaction(using):
            made = super().bulk_create(objs, *args, **options)
            if made:
                said = {name: True for name in _CONFLICTS if options.get(name)}
                _record("model.bulk_created", plan, {**_rows(made), **said}, using=using)
        return made

    bulk_create.alters_data = True  # type: ignore[attr-defined]

    def bulk_update(
        self, objs: Iterable[_Row], fields: Iterable[str], *args: Any, **options: Any
    ) -> int:
        """Update rows with a value each, and record which fields."""
        plan = self._plan()
        names = list(fields)
        told = [one.name for one in plan.among(names)] if plan else []
        if plan is None or not told:
            return super().bulk_update(objs, names, *args, **options)
        rows = list(objs)
        batches = self.all()
        batches._bt_is_part = True
        using = self._writing_database()
        with _one_transaction(using):
            count = super(AuditedQuerySet, batches).bulk_update(rows, names, *args, **options)
            if count:
                said = {**_rows(rows), "count": count, "fields": told}
                _record("model.bulk_changed", plan, said, using=using)
        for row in rows:
            forget_row(row)
        return count

    bulk_update.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete rows and record it; what a cascade takes of other models has its own entries."""
        plan = self._plan()
        if plan is None:
            return super().delete()
        self.bt_deleted_rows = deleted = DeletedRows()
        using = self._writing_database()
        try:
            with _one_transaction(using):
                result = super().delete()
                if deleted.count:
                    said = {"count": deleted.count, "pks": listed(deleted.keys)}
                    said["where"] = self._condition()
                    _record("model.bulk_deleted", plan, said, using=using)
        finally:
            self.bt_deleted_rows = None
        return result

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def _plan(self) -> Plan | None:
        if self._bt_is_part or options_of(self.model) is None or not conf.has_feature("audit"):
            return None
        return plan_of(self.model)

    def _clone(self) -> Any:
        clone = super()._clone()  # type: ignore[misc]
        if self._bt_is_part:
            clone._bt_is_part = True
        return clone

    def _writing_database(self) -> str:
        self._for_write = True
        return self.db

    def _some_keys(self, using: str) -> list[Any]:
        """Return primary keys of rows that match, before the update makes them match no more.

        Without an order: a sort, or a walk along another index, would cost more than the update.
        """
        rows = self.using(using).order_by()
        return listed(list(rows.values_list("pk", flat=True)[:LISTED_KEYS]))

    def _condition(self) -> str:
        """Return a digest of the SQL that chooses the rows, without the values in it."""
        rows = self.order_by().values_list("pk", flat=True)
        sql, _parameters = rows.query.sql_with_params()
        return hashlib.sha256(sql.encode()).hexdigest()


class AuditedManager(models.Manager.from_queryset(AuditedQuerySet)):  # type: ignore[misc]
    """The manager of an audited model: `objects = AuditedManager()`."""


_CONFLICTS = ("ignore_conflicts", "update_conflicts")


def _one_transaction(using: str) -> AbstractContextManager[Any]:
    """Return a transaction for the change and its entry, unless there is one already.

    Not a block inside that: an error that is harmless there, such as a `ProtectedError` before
    anything was deleted, would make it unusable.
    """
    if connections[using].in_atomic_block:
        return nullcontext()
    return transaction.atomic(using=using)


def _record(action: str, plan: Plan, details: dict[str, Any], *, using: str) -> None:
    with transaction.mark_for_rollback_on_error(using=using):
        record(action, target=f"{plan.model._meta.label_lower}:", details=details)


def _rows(rows: Sequence[models.Model]) -> dict[str, Any]:
    keys = [row.pk for row in rows if row.pk is not None]
    return {"count": len(rows), "pks": listed(keys[:LISTED_KEYS])}


def _set_values(plan: Plan, given: dict[str, Any]) -> dict[str, Any]:
    """Return what is set of the fields that entries tell of."""
    names: Collection[str] = given.keys()
    return {
        one.name: MASKED
        if one.is_masked
        else shown(python_value(one.field, given.get(one.name, given.get(one.attname))))
        for one in plan.among(names)
    }
