"""The list of columns that were ever sealed: a removed app must not lose its values silently."""

from __future__ import annotations

import json
from collections.abc import Iterator

from django.db import connections, transaction

from bt_security.exceptions import KeyRefused
from bt_security.keys import store
from bt_security.keys.inventory import may_ask, sealed_tables

Entry = tuple[str, str, str]
"""Alias, table and column."""


def installed_columns() -> set[Entry]:
    """Return every sealed column of the installed models that exists in a database."""
    return {
        (table.alias, table.table, field.column)
        for table in sealed_tables()
        for field in table.fields
    }


def find_orphans() -> list[str]:
    """Return the listed columns that hold sealed values but have no installed model."""
    return _spoken(_orphans(_stored(), installed_columns()))


def refresh_inventory() -> list[str]:
    """Add new columns to the stored list; return those that hold values but have no model.

    Columns that are gone, or hold no sealed value any more, are taken off the list.
    """
    installed = installed_columns()
    known = _stored()
    orphans = _orphans(known, installed)
    if installed | orphans | _out_of_reach(known) != known:
        with transaction.atomic(using=store.alias()):
            store.lock()
            known = _stored()
            orphans = _orphans(known, installed)
            wanted = installed | orphans | _out_of_reach(known)
            store.write(store.SEALED_COLUMNS, json.dumps(sorted(wanted)))
    return _spoken(orphans)


def forget_database(alias: str) -> int:
    """Take the columns of a database off the list; return how many there were.

    Raises:
        KeyRefused: the database is in `DATABASES`: what its tables hold is looked at.
    """
    if alias in connections:
        raise KeyRefused(f"database {alias!r} is configured: drop the table, or install its app")
    with transaction.atomic(using=store.alias()):
        store.lock()
        known = _stored()
        kept = {entry for entry in known if entry[0] != alias}
        store.write(store.SEALED_COLUMNS, json.dumps(sorted(kept)))
    return len(known) - len(kept)


def _orphans(known: set[Entry], installed: set[Entry]) -> set[Entry]:
    unknown = known - installed - _out_of_reach(known)
    return {entry for entry in unknown if _holds_sealed_values(entry)}


def _out_of_reach(known: set[Entry]) -> set[Entry]:
    """Entries of databases that a running test case has closed."""
    closed = {alias for alias, _, _ in known if alias in connections and not may_ask(alias)}
    return {entry for entry in known if entry[0] in closed}


def _spoken(entries: set[Entry]) -> list[str]:
    return sorted(f"{alias}: {table}.{column}" for alias, table, column in entries)


def _stored() -> set[Entry]:
    """Return the stored list; one that was damaged counts as empty and is written anew."""
    text = store.read([store.SEALED_COLUMNS]).get(store.SEALED_COLUMNS, "[]")
    try:
        return {(str(alias), str(table), str(column)) for alias, table, column in json.loads(text)}
    except (TypeError, ValueError, RecursionError):
        return set()


def _holds_sealed_values(entry: Entry) -> bool:
    alias, table, column = entry
    if alias not in connections:
        return True
    connection = connections[alias]
    quote = connection.ops.quote_name
    kind = "CHAR" if connection.vendor == "mysql" else "TEXT"  # the column may be a number by now
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return False
        if column not in _columns(alias, table):
            return False
        cursor.execute(
            f"SELECT 1 FROM {quote(table)} WHERE "  # noqa: S608 - quoted names
            f"substr(CAST({quote(column)} AS {kind}), 1, 3) IN ('e1:', 'e2:') LIMIT 1"
        )
        return cursor.fetchone() is not None


def _columns(alias: str, table: str) -> Iterator[str]:
    connection = connections[alias]
    with connection.cursor() as cursor:
        found = connection.introspection.get_table_description(cursor, table)
    return (column.name for column in found)
