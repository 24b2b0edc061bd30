"""The CHECK that lets sealed text alone into a column: is it there, what is it called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import names_digest

from bt_security.fields.column import sealed_shape
from bt_security.keys.inventory import sealed_tables

_SHAPE = re.compile(r"e\[12\]:(\[0-9a-f\]){8}:")

_POSTGRES = """
    SELECT a.attname, c.conname, pg_get_constraintdef(c.oid), c.convalidated
    FROM pg_constraint c
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
    WHERE c.contype = 'c' AND cardinality(c.conkey) = 1 AND c.conrelid = to_regclass(%s)
"""
_MARIADB = """
    SELECT constraint_name, check_clause, level = 'Column'
    FROM information_schema.check_constraints
    WHERE constraint_schema = database() AND table_name = %s
"""
_MYSQL = """
    SELECT c.constraint_name, c.check_clause, 0
    FROM information_schema.check_constraints c
    JOIN information_schema.table_constraints t USING (constraint_schema, constraint_name)
    WHERE t.constraint_schema = database() AND t.table_name = %s
"""


@dataclass(frozen=True)
class Guard:
    """One CHECK on the sealed shape of `column`.

    `is_inline`: it belongs to the column's definition and has no name to drop it by.
    `is_validated`: the rows from before it was added are known to satisfy it.
    """

    column: str
    name: str
    is_inline: bool = False
    is_validated: bool = True


def guards(connection: BaseDatabaseWrapper, table: str) -> list[Guard]:
    """Return the CHECKs of `table` that let sealed text alone into a column."""
    find = {"postgresql": _postgres_guards, "mysql": _mysql_guards, "sqlite": _sqlite_guards}
    return list(find[connection.vendor](connection, table))


def _postgres_guards(connection: BaseDatabaseWrapper, table: str) -> Iterator[Guard]:
    with connection.cursor() as cursor:
        cursor.execute(_POSTGRES, [connection.ops.quote_name(table)])
        rows = cursor.fetchall()
    for column, name, clause, is_validated in rows:
        if _SHAPE.search(clause):
            yield Guard(column, name, is_validated=is_validated)


def _mysql_guards(connection: Any, table: str) -> Iterator[Guard]:
    with connection.cursor() as cursor:
        cursor.execute(_MARIADB if connection.mysql_is_mariadb else _MYSQL, [table])
        rows = cursor.fetchall()
    for name, clause, is_inline in rows:
        columns = set(re.findall(r"`([^`]+)`", clause))
        if _SHAPE.search(clause) and len(columns) == 1:
            yield Guard(columns.pop(), name, is_inline=bool(is_inline))


def _sqlite_guards(connection: BaseDatabaseWrapper, table: str) -> Iterator[Guard]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = %s", [table])
        row = cursor.fetchone()
        names = [
            each.name for each in connection.introspection.get_table_description(cursor, table)
        ]
    definition = row[0] if row else ""
    for name in names:
        if f"CHECK ({sealed_shape(connection, connection.ops.quote_name(name))})" in definition:
            yield Guard(name, "", is_inline=True)


def guard_name(table: str, column: str) -> str:
    """Return the name of the CHECK that we add: the same each time, at most 30 characters."""
    return f"sealed_{column[:13]}_{names_digest(table, column, length=8)}"


def count_not_sealed(connection: BaseDatabaseWrapper, table: str, column: str) -> int:
    """Count the rows whose value the CHECK would refuse; reads the whole table."""
    quote = connection.ops.quote_name
    shape = sealed_shape(connection, quote(column))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*) FROM {quote(table)} "  # noqa: S608 - quoted names
            f"WHERE {quote(column)} IS NOT NULL AND NOT ({shape})"
        )
        return int(cursor.fetchone()[0])


def unguarded_columns(alias: str) -> list[str]:
    """Return `app.Model.field` of every column that should have the CHECK and has none.

    Columns with `allow_plaintext` or a foreign format have none on purpose. Columns that a
    pending migration has yet to make are left out.
    """
    connection = connections[alias]
    found: list[str] = []
    for table in sealed_tables(alias):
        guarded = {each.column for each in guards(connection, table.table) if each.is_validated}
        with connection.cursor() as cursor:
            existing = {
                each.name
                for each in connection.introspection.get_table_description(cursor, table.table)
            }
        found += [
            f"{table.model._meta.label}.{field.name}"
            for field in table.fields
            if not field.holds_other_text and field.column in existing - guarded
        ]
    return found
