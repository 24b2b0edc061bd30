"""Which columns of which installed models hold sealed text, and on which databases."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.apps import apps
from django.db import connections, models, router
from django.db.models import Q

from bt_security.keys import store


class SealedTable(NamedTuple):
    """One concrete model and its sealed columns on one database."""

    alias: str
    model: type[models.Model]
    fields: tuple[Any, ...]

    @property
    def table(self) -> str:
        """Name of the database table."""
        return self.model._meta.db_table


def sealed_models() -> Iterator[tuple[type[models.Model], tuple[Any, ...]]]:
    """Yield every installed concrete model that owns sealed columns, with those fields."""
    for model in apps.get_models(include_auto_created=True):
        if model._meta.proxy:
            continue
        fields = tuple(
            field
            for field in model._meta.local_concrete_fields
            if getattr(field, "is_sealed_column", False)
        )
        if fields:
            yield model, fields


def sealed_tables(using: str | None = None) -> Iterator[SealedTable]:
    """Yield sealed tables that exist, on every alias where the router allows the model.

    Unmanaged and swapped-out models are left out when their table is not there, and databases
    that a running test case has closed.
    """
    for alias in [using] if using else filter(may_ask, connections):
        found = [
            SealedTable(alias, model, fields)
            for model, fields in sealed_models()
            if router.allow_migrate_model(alias, model)
        ]
        if found:
            existing = set(connections[alias].introspection.table_names())
            yield from (table for table in found if table.table in existing)


def may_ask(alias: str) -> bool:
    """Whether queries to a database are allowed here: a test case may have closed it."""
    # A Django test case that does not name an alias puts a refusal in the place of `cursor`,
    # and the flush after each TransactionTestCase comes here by `post_migrate`.
    return not hasattr(connections[alias].cursor, "wrapped")


def count_prefix(table: SealedTable, prefix: str, *, limit: int) -> int:
    """Count values whose text begins with `prefix` (at most 12 characters), up to `limit`.

    The `:` behind the key id is asked for, too: plaintext from before may begin with `e2:`.
    """
    connection = connections[table.alias]
    quote = connection.ops.quote_name
    found = 0
    with connection.cursor() as cursor:
        for field in table.fields:
            cursor.execute(
                f"SELECT COUNT(*) FROM (SELECT 1 AS one FROM {quote(table.table)} "  # noqa: S608
                f"WHERE substr({quote(field.column)}, 1, %s) = %s "
                f"AND substr({quote(field.column)}, 12, 1) = ':' LIMIT %s) AS counted",
                [len(prefix), prefix, max(limit - found, 0)],
            )
            found += cursor.fetchone()[0]
    return found


def count_database_key_values(*, limit: int) -> int:
    """Count what is sealed under the database key on all databases, up to `limit`.

    Stored purpose keys count. Columns that are not there yet are passed over: a data migration
    may ask before them.
    """
    purpose_keys = store.rows().filter(name__startswith=store.PURPOSE_PREFIX)
    found = len(purpose_keys.filter(value__startswith="e1:").values("name")[:limit])
    for table in sealed_tables():
        if found >= limit:
            break
        found += count_prefix(_existing_columns(table), "e1:", limit=limit - found)
    return found


def has_values_under(prefixes: Collection[str]) -> bool:
    """Whether a value or purpose key begins with one of `prefixes`; stops at the first one.

    Each table is asked once, for all its columns and all prefixes.
    """
    if not prefixes:
        return False
    begins = reduce(or_, (Q(value__startswith=prefix) for prefix in prefixes))
    purpose_keys = store.rows().filter(name__startswith=store.PURPOSE_PREFIX)
    return purpose_keys.filter(begins).exists() or any(
        _has_values(_existing_columns(table), prefixes) for table in sealed_tables()
    )


def _has_values(table: SealedTable, prefixes: Collection[str]) -> bool:
    connection = connections[table.alias]
    quote = connection.ops.quote_name
    columns = [quote(field.column) for field in table.fields]
    if not columns:
        return False
    begins = " OR ".join("substr({0}, 1, %s) = %s" for _ in prefixes)
    has_value = f"(substr({{0}}, 12, 1) = ':' AND ({begins}))"
    where = " OR ".join(has_value.format(column) for column in columns)
    lengths = [part for prefix in prefixes for part in (len(prefix), prefix)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT 1 FROM {quote(table.table)} WHERE {where} LIMIT 1",  # noqa: S608
            lengths * len(columns),
        )
        return cursor.fetchone() is not None


def _existing_columns(table: SealedTable) -> SealedTable:
    connection = connections[table.alias]
    with connection.cursor() as cursor:
        description = connection.introspection.get_table_description(cursor, table.table)
    columns = {column.name for column in description}
    return table._replace(fields=tuple(f for f in table.fields if f.column in columns))
