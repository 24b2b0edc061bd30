"""`AddBlindIndex`: adds a blind index to a table with rows, without stopping its writers."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.db import NotSupportedError
from django.db.migrations.operations import AddField

from bt_security.fields.blind_index import BlindIndexField
from bt_security.fields.kept_column import PAGES_PER_BATCH, KeptColumn

if TYPE_CHECKING:
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.state import ProjectState


class AddBlindIndex(AddField):
    """Add a `BlindIndexField` to a large table that is in use; the state is that of `AddField`.

    A stored generated column makes the database write the whole table anew, locked. Instead:

    - SQLite, MariaDB, MySQL: the generated column is VIRTUAL, which is added at once; only its
      index is built, on MariaDB and MySQL without stopping writers.
    - PostgreSQL: a plain column, kept by a trigger, filled in batches of `pages_per_batch` pages
      of the table, and indexed CONCURRENTLY. The migration needs `atomic = False`; one that was
      stopped is run again. A table without rows gets the generated column.

    Raises:
        NotSupportedError: PostgreSQL, rows are there, inside a transaction.
        IntegrityError: `unique=True` and equal values exist; the column stays, without index.
    """

    def __init__(
        self,
        model_name: str,
        name: str,
        field: Any,
        *,
        preserve_default: bool = True,
        pages_per_batch: int = PAGES_PER_BATCH,
    ) -> None:
        if not isinstance(field, BlindIndexField):
            raise ImproperlyConfigured("AddBlindIndex takes a BlindIndexField")
        self.pages_per_batch = pages_per_batch
        super().__init__(model_name, name, field, preserve_default)

    def deconstruct(self) -> Any:
        """Return what a migration file holds."""
        _, args, options = super().deconstruct()
        if self.pages_per_batch != PAGES_PER_BATCH:
            options["pages_per_batch"] = self.pages_per_batch
        return type(self).__name__, args, options

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Add the column, fill it and index it."""
        model: Any = to_state.apps.get_model(app_label, self.model_name)
        editor: Any = schema_editor
        if not self.allow_migrate_model(editor.connection.alias, model):
            return
        field = model._meta.get_field(self.name)
        if editor.connection.vendor != "postgresql":
            _add_virtual(editor, model, field)
        elif editor.collect_sql or not _has_rows(editor, model):
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        elif editor.connection.in_atomic_block:
            raise NotSupportedError("AddBlindIndex needs atomic = False on its migration")
        else:
            KeptColumn(editor, model, field).add(pages_per_batch=self.pages_per_batch)

    def describe(self) -> str:
        """Return a line for the output of `migrate`."""
        return f"Add blind index {self.name} to {self.model_name}, table in use"


AddBlindIndex.__module__ = "bt_security.operations"


def _has_rows(editor: Any, model: Any) -> bool:
    with editor.connection.cursor() as cursor:
        table = editor.quote_name(model._meta.db_table)
        cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {table})")  # noqa: S608 - quoted name
        return bool(cursor.fetchone()[0])


def _add_virtual(editor: Any, model: Any, field: Any) -> None:
    """Add the column as VIRTUAL, which changes no row, then build its index."""
    virtual = copy.copy(field)
    virtual.db_persist = False
    virtual._unique = virtual.db_index = False
    definition, params = editor.column_sql(model, virtual)
    editor.execute(
        editor.sql_create_column
        % {
            "table": editor.quote_name(model._meta.db_table),
            "column": editor.quote_name(field.column),
            "definition": definition,
        },
        params or None,
    )
    if field.unique:
        editor.execute(editor._create_unique_sql(model, [field]))
    elif field.db_index:
        editor.execute(editor._create_index_sql(model, fields=[field]))
