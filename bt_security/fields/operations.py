"""`GuardSealedColumn`: adds or drops the CHECK of a sealed column that has rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.db.migrations.operations.fields import FieldOperation

from bt_security.exceptions import PlaintextLeft
from bt_security.fields.column import sealed_shape
from bt_security.fields.guard import Guard, count_not_sealed, guard_name, guards

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.state import ProjectState


class GuardSealedColumn(FieldOperation):
    """Make the database refuse plaintext in an encrypted column, after `AlterField`.

    Stands after the `AlterField` that takes `allow_plaintext=True` away, because Django adds no
    CHECK to a column that exists, except on SQLite. Does nothing where the CHECK is there. With
    `remove=True` it drops the CHECK, before an `AlterField` to `allow_plaintext=True`.

    On PostgreSQL put it into a migration of its own with `atomic = False`: the CHECK is added
    without looking at the rows and then validated without stopping writers.

    Raises:
        PlaintextLeft: rows are not sealed; nothing was changed.
        ImproperlyConfigured: the field is not encrypted or has `allow_plaintext=True`.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str, name: str, *, remove: bool = False) -> None:
        self.remove = remove
        super().__init__(model_name, name)

    def deconstruct(self) -> Any:
        """Return what a migration file holds."""
        options: dict[str, Any] = {"model_name": self.model_name, "name": self.name}
        if self.remove:
            options["remove"] = True
        return type(self).__name__, [], options

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing: the field says the same before and after."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Add the CHECK, or drop it."""
        self._run(app_label, schema_editor, to_state, add=not self.remove)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Drop the CHECK, or add it."""
        self._run(app_label, schema_editor, to_state, add=self.remove)

    def describe(self) -> str:
        """Return a line for the output of `migrate`."""
        verb = "Let plaintext into" if self.remove else "Refuse plaintext in"
        return f"{verb} {self.model_name}.{self.name}"

    @property
    def migration_name_fragment(self) -> str:
        """Return a part of a file name."""
        verb = "unguard" if self.remove else "guard"
        return f"{verb}_{self.model_name_lower}_{self.name_lower}"

    def _run(
        self, app_label: str, editor: BaseDatabaseSchemaEditor, state: ProjectState, *, add: bool
    ) -> None:
        model = state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(editor.connection.alias, model):
            return
        field: Any = model._meta.get_field(self.name)
        if not getattr(field, "is_sealed_column", False):
            raise ImproperlyConfigured(f"{field} is not an encrypted field")
        if not add:
            _drop_guard(editor, model, field)
        elif field.allow_plaintext:
            raise ImproperlyConfigured(
                f"{field} has allow_plaintext=True: put GuardSealedColumn after the AlterField "
                "that takes it away"
            )
        elif not field.foreign_formats:
            _add_guard(editor, model, field)


GuardSealedColumn.__module__ = "bt_security.operations"


def _add_guard(editor: Any, model: Any, field: Any) -> None:
    connection, table = editor.connection, model._meta.db_table
    present = None if editor.collect_sql else _guard_of(connection, table, field.column)
    if present is not None and present.is_validated:
        return
    if not editor.collect_sql:
        _refuse_plaintext(connection, table, field)
    if connection.vendor == "sqlite":
        editor._remake_table(model)
        return
    name = present.name if present else guard_name(table, field.column)
    if present is None:
        shape = sealed_shape(connection, connection.ops.quote_name(field.column))
        # PostgreSQL looks at the rows in a statement of its own, which does not stop writers.
        later = " NOT VALID" if connection.vendor == "postgresql" else ""
        _alter(editor, table, f"ADD CONSTRAINT {editor.quote_name(name)} CHECK ({shape}){later}")
    if connection.vendor == "postgresql":
        _alter(editor, table, f"VALIDATE CONSTRAINT {editor.quote_name(name)}")


def _refuse_plaintext(connection: BaseDatabaseWrapper, table: str, field: Any) -> None:
    left = count_not_sealed(connection, table, field.column)
    if left:
        raise PlaintextLeft(
            f"{field} has {left} rows that are not sealed: set allow_plaintext=True again, run "
            "`manage.py rotate_keys`, then `manage.py key_status`"
        )


def _drop_guard(editor: Any, model: Any, field: Any) -> None:
    connection, table = editor.connection, model._meta.db_table
    if connection.vendor == "sqlite":
        if _guard_of(connection, table, field.column):
            _remake_without_check(editor, model, field)
        return
    if editor.collect_sql:
        name = editor.quote_name(guard_name(table, field.column))
        _alter(editor, table, f"DROP CONSTRAINT {name}")
        return
    for guard in guards(connection, table):
        if guard.column == field.column:
            if guard.is_inline:
                parameters = field.db_parameters(connection)
                null = "NULL" if field.null else "NOT NULL"
                definition = f"{parameters['type']} COLLATE {parameters['collation']} {null}"
                _alter(editor, table, f"MODIFY {editor.quote_name(field.column)} {definition}")
            else:
                _alter(editor, table, f"DROP CONSTRAINT {editor.quote_name(guard.name)}")


def _remake_without_check(editor: Any, model: Any, field: Any) -> None:
    """Make the SQLite table again with a field that allows plaintext, for the operation alone."""
    open_field = field.clone()
    open_field.allow_plaintext = True
    open_field.set_attributes_from_name(field.name)
    open_field.model = model
    editor._remake_table(model, alter_fields=[(field, open_field)])


def _guard_of(connection: BaseDatabaseWrapper, table: str, column: str) -> Guard | None:
    return next((each for each in guards(connection, table) if each.column == column), None)


def _alter(editor: Any, table: str, change: str) -> None:
    editor.execute(f"ALTER TABLE {editor.quote_name(table)} {change}", params=None)
