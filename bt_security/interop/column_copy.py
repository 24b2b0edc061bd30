"""Copies an old package's column into a sealed one, for a data migration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import router, transaction
from django.db.models import BinaryField, ExpressionWrapper, F

from bt_security.exceptions import OpenRefused, Tampered
from bt_security.interop.reader import Reader, load_reader

if TYPE_CHECKING:
    from django.apps.registry import Apps
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor

BATCH_SIZE = 500
_STORED = "bt_security_stored"


def copy_column(
    apps: Apps,
    schema_editor: BaseDatabaseSchemaEditor,
    *,
    model: str,
    source: str,
    target: str,
    reader: str,
    batch_size: int = BATCH_SIZE,
) -> int:
    """Fill the sealed field `target` of `model` ("app.Model") from `source`; return rows written.

    For the function of a `RunPython`. `source` is read as it is stored, whatever field the
    migration state has for it, and is not changed. Only rows whose target is NULL are written, each
    batch in a transaction, so a second run does what is left. Sends no save signals.

    Raises:
        ImproperlyConfigured: `target` is not a sealed field, or `reader` is not a reader.
        WrongKey, Tampered, NotSealed: a value does not open; the error names its row. An atomic
            migration is undone then, otherwise the batches before stay.
    """
    row_model = apps.get_model(model)
    alias = schema_editor.connection.alias
    field: Any = row_model._meta.get_field(target)
    if not getattr(field, "is_sealed_column", False):
        raise ImproperlyConfigured(f"{model}.{target} would hold plaintext: it is not encrypted")
    if not router.allow_migrate_model(alias, row_model):
        return 0
    opener = load_reader(reader)
    pending = row_model._base_manager.using(alias).filter(
        **{f"{source}__isnull": False, f"{target}__isnull": True}
    )
    written = 0
    for batch in _batches(pending, field, source, batch_size):
        with transaction.atomic(using=alias):
            for row in batch:
                try:
                    sealed = _sealed(row, field, opener)
                except OpenRefused as refusal:
                    raise refusal.located(model=model, field=source, pk=row.pk) from None
                written += pending.filter(pk=row.pk).update(**{target: sealed})
    return written


def _batches(pending: Any, field: Any, source: str, size: int) -> Iterator[list[Any]]:
    stored = ExpressionWrapper(F(source), output_field=BinaryField())
    rows = pending.only("pk", *field.bind_to).annotate(**{_STORED: stored}).order_by("pk")
    batch = list(rows[:size])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1].pk)[:size])


def _sealed(row: Any, field: Any, reader: Reader) -> object:
    """Return the sealed value, bound to its row where the field says so."""
    stored, internal_type = getattr(row, _STORED), field.plain_field.get_internal_type()
    opened = reader.open_foreign(stored, internal_type=internal_type)
    try:
        value = field.codec.to_python(opened) if isinstance(opened, str) else opened
    except (ValueError, TypeError, ArithmeticError, ValidationError):
        raise Tampered(detail="not a value of the new field's type") from None
    setattr(row, field.attname, value)
    return field.pre_save(row, add=False)
