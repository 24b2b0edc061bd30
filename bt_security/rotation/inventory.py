"""The list of columns that were ever sealed: a removed app must not lose its values silently."""

from __future__ import annotations

import json
from collections.abc import Iterator

from django.db import connections, transaction

from bt_security.keys import store
from bt_security.keys.inventory import sealed_tables

Entry = tuple[str, str, str]
"""Alias, table and column."""


def installed_columns() -> set[Entry]:
    """Return every sealed column of the installed models that exists in a database."""
    return {
        (table.alias, table.table, field.column)
        for table in sealed_tables()
        for field in table.fields
    }


def refresh_inventory() -> list[str]:
    """Add new columns to the stored list; return those that hold values but have no model.

    Columns that are gone, or hold no sealed value any more, are taken off the list.
    """
    with transaction.atomic(using=store.alias()):
        known = _stored()
        installed = installed_columns()
        orphans = {entry for entry in known - installed if _holds_sealed_values(entry)}
        wanted = installed | orphans
        if wanted != known:
            store.write(store.SEALED_COLUMNS, json.dumps(sorted(wanted)))
    return sorted(f"{alias}: {table}.{column}" for alias, table, column in orphans)


def _stored() -> set[Entry]:
    text = store.read([store.SEALED_COLUMNS]).get(store.SEALED_COLUMNS, "[]")
    return {(alias, table, column) for alias, table, column in json.loads(text)}


def _holds_sealed_values(entry: Entry) -> bool:
    alias, table, column = entry
    if alias not in connections:
        return True
    connection = connections[alias]
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return False
        if column not in _columns(alias, table):
            return False
        cursor.execute(
            f"SELECT 1 FROM {quote(table)} WHERE substr({quote(column)}, 1, 3) "  # noqa: S608
            "IN ('e1:', 'e2:') LIMIT 1"
        )
        return cursor.fetchone() is not None


def _columns(alias: str, table: str) -> Iterator[str]:
    connection = connections[alias]
    with connection.cursor() as cursor:
        found = connection.introspection.get_table_description(cursor, table)
    return (column.name for column in found)
