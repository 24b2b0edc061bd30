"""An index column on PostgreSQL that a trigger keeps, for tables that may not be rewritten.

The trigger knows the two columns by number and looks up their names when it runs, so that it
follows a renamed column. Once one of them is gone it does nothing: a condition on the columns
would be faster, but columns that a trigger names cannot be dropped without CASCADE, which Django
leaves out since version 6.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import DatabaseError

from bt_security.crypto import INDEX_LENGTH, PREFIX_LENGTH
from bt_security.fields.column import indexed_shape

if TYPE_CHECKING:
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor

PAGES_PER_BATCH = 100
"""Pages of 8 KiB, 0.8 MB of rows, that one UPDATE fills; the rows are locked meanwhile."""

_FUNCTION = f"""
CREATE OR REPLACE FUNCTION {{function}}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    source text; kept text; value text;
BEGIN
    SELECT s.attname, k.attname INTO source, kept
        FROM pg_catalog.pg_attribute s, pg_catalog.pg_attribute k
        WHERE s.attrelid = TG_RELID AND s.attnum = TG_ARGV[0]::int2 AND NOT s.attisdropped
        AND k.attrelid = TG_RELID AND k.attnum = TG_ARGV[1]::int2 AND NOT k.attisdropped;
    IF kept IS NULL THEN
        RETURN NEW;
    ELSIF source = TG_ARGV[2] AND kept = TG_ARGV[3] THEN
        NEW.{{kept}} := {{index}};
        RETURN NEW;
    END IF;
    -- One of them was renamed since.
    EXECUTE pg_catalog.format('SELECT ($1).%I', source) INTO value USING NEW;
    IF {{shape}} THEN
        value := substr(value, {PREFIX_LENGTH + 1}, {INDEX_LENGTH});
    ELSE
        value := NULL;
    END IF;
    RETURN jsonb_populate_record(NEW, jsonb_build_object(kept, value));
END
$$
"""  # noqa: S608 - made of constants


class KeptColumn:
    """One index column that is added to a table in use; every step may be run again."""

    def __init__(self, editor: BaseDatabaseSchemaEditor, model: Any, field: Any) -> None:
        self.editor: Any = editor
        self.connection = editor.connection
        self.model = model
        self.field = field
        self.table = editor.quote_name(model._meta.db_table)
        self.column = editor.quote_name(field.column)
        self.source = editor.quote_name(model._meta.get_field(field.source).column)

    def add(self, *, pages_per_batch: int) -> None:
        """Add the column with its trigger, fill it and index it.

        Raises:
            IntegrityError: `unique=True` and equal values exist.
        """
        self._add_column()
        self._keep()
        self._fill(pages_per_batch)
        if self.field.unique or self.field.db_index:
            self._index()

    def index_of(self, column: str) -> str:
        """Return the SQL for the index part of a sealed text."""
        shape = indexed_shape(self.connection, column)
        cut = f"substr({column}, {PREFIX_LENGTH + 1}, {INDEX_LENGTH})"
        return f"CASE WHEN {shape} THEN {cut} ELSE NULL END"

    def _add_column(self) -> None:
        kind = self.field.db_parameters(self.connection)["type"]
        self._execute(f"ALTER TABLE {self.table} ADD COLUMN IF NOT EXISTS {self.column} {kind}")

    def _keep(self) -> None:
        name = self.editor._create_index_name(
            self.model._meta.db_table, [self.field.column], suffix="_keep"
        )
        trigger = self.editor.quote_name(name)
        self._execute(
            _FUNCTION.format(
                function=trigger,
                kept=self.column,
                index=self.index_of(f"NEW.{self.source}"),
                shape=indexed_shape(self.connection, "value"),
            )
        )
        self._execute(
            f"CREATE OR REPLACE TRIGGER {trigger} BEFORE INSERT OR UPDATE ON {self.table} "
            f"FOR EACH ROW EXECUTE FUNCTION {trigger}({self._trigger_arguments()})"
        )
        # Rows that logical replication brings in are kept in step, too.
        self._execute(f"ALTER TABLE {self.table} ENABLE ALWAYS TRIGGER {trigger}")

    def _trigger_arguments(self) -> str:
        """Return the numbers and the present names of source and index column."""
        names = [self.model._meta.get_field(self.field.source).column, self.field.column]
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT attname, attnum FROM pg_attribute WHERE attrelid = to_regclass(%s)",
                [self.table],
            )
            numbers = dict(cursor.fetchall())
        arguments = [str(numbers[name]) for name in names] + names
        return ", ".join(self.editor.quote_value(argument) for argument in arguments)

    def _fill(self, pages_per_batch: int) -> None:
        """Fill rows from before the trigger, by physical pages; new versions are right already."""
        wanted = self.index_of(self.source)
        update = (
            f"UPDATE {self.table} SET {self.column} = {wanted} "  # noqa: S608 - quoted names
            f"WHERE {self.column} IS DISTINCT FROM {wanted}"
        )
        for first in range(0, self._pages(), pages_per_batch):
            self._execute(
                f"{update} AND ctid >= '({first},0)'::tid "
                f"AND ctid < '({first + pages_per_batch},0)'::tid"
            )
        self._execute(update)  # partitions, whose pages are not those of the table

    def _pages(self) -> int:
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_relation_size(to_regclass(%s)) / current_setting('block_size')::int",
                [self.table],
            )
            return int(cursor.fetchone()[0])

    def _index(self) -> None:
        unique, table = self.field.unique, self.model._meta.db_table
        suffix = "_uniq" if unique else ""
        name = self.editor._create_index_name(table, [self.field.column], suffix=suffix)
        quoted = self.editor.quote_name(name)
        is_valid, is_constraint = self._index_state(quoted)
        if not is_valid:
            self._build_index(quoted, "UNIQUE INDEX" if unique else "INDEX")
        if unique and not is_constraint:
            self._execute(
                f"ALTER TABLE {self.table} ADD CONSTRAINT {quoted} UNIQUE USING INDEX {quoted}"
            )

    def _build_index(self, quoted: str, kind: str) -> None:
        drop = f"DROP INDEX CONCURRENTLY IF EXISTS {quoted}"
        self._execute(drop)  # what a run that was stopped left behind
        try:
            self._execute(f"CREATE {kind} CONCURRENTLY {quoted} ON {self.table} ({self.column})")
        except DatabaseError:
            self._execute(drop)
            raise

    def _index_state(self, quoted: str) -> tuple[bool, bool]:
        """Return whether the index is there and valid, and whether a constraint rests on it."""
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT i.indisvalid, EXISTS (SELECT 1 FROM pg_constraint c "
                "WHERE c.conindid = i.indexrelid AND c.contype = 'u') "
                "FROM pg_index i WHERE i.indexrelid = to_regclass(%s)",
                [quoted],
            )
            is_valid, is_constraint = cursor.fetchone() or (False, False)
        return is_valid, is_constraint

    def _execute(self, sql: str) -> None:
        self.editor.execute(sql, params=None)
