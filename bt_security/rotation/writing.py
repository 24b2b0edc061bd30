"""Compare-and-swap updates of a page of rows, one statement per set of changed columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction

from bt_security.rotation.columns import Key, TablePlan

Places = tuple[int, ...]
"""Numbers of the columns that change in a row."""

Change = tuple[Any, ...]
"""One row: the new texts of its changed columns, its key, the old texts."""

Changes = Mapping[Places, Sequence[Change]]


def key_of(plan: TablePlan, places: Places, change: Change) -> Key:
    """Return the primary key in a change."""
    return change[len(places) : len(places) + len(plan.key_columns)]


def write_changes(plan: TablePlan, changes: Changes) -> tuple[int, list[tuple[Places, Key]]]:
    """Store the changes whose rows still hold the old texts, in the caller's transaction.

    Returns how many rows were written, and those that a unique index refused.
    """
    written = 0
    refused: list[tuple[Places, Key]] = []
    for places, group in changes.items():
        try:
            with transaction.atomic(using=plan.sealed.alias):
                written += _update(plan, places, group)
        except IntegrityError:
            for change in group:
                try:
                    with transaction.atomic(using=plan.sealed.alias):
                        written += _update(plan, places, [change])
                except IntegrityError:
                    refused.append((places, key_of(plan, places, change)))
    return written, refused


def _update(plan: TablePlan, places: Places, group: Sequence[Change]) -> int:
    columns = [plan.columns[place] for place in places]
    with plan.connection.cursor() as cursor:
        if plan.connection.vendor == "postgresql":
            _update_from_unnest(plan, columns, group, cursor)
        else:
            _update_many(plan, columns, group, cursor)
        return int(cursor.rowcount)


def _update_many(plan: TablePlan, columns: list[str], group: Sequence[Change], cursor: Any) -> None:
    assigned = ", ".join(f"{column} = %s" for column in columns)
    matched = " AND ".join(f"{name} = %s" for name in (*plan.key_columns, *columns))
    cursor.executemany(
        f"UPDATE {plan.table} SET {assigned} WHERE {matched}",  # noqa: S608 - quoted names
        group,
    )


def _update_from_unnest(
    plan: TablePlan, columns: list[str], group: Sequence[Change], cursor: Any
) -> None:
    key_types = [str(field.db_type(plan.connection)) for field in plan.key_fields]
    texts = range(len(columns))
    names = [f"n{number}" for number in texts]
    names += [f"k{number}" for number in range(len(key_types))]
    names += [f"o{number}" for number in texts]
    types = [*["text"] * len(columns), *key_types, *["text"] * len(columns)]
    arrays = ", ".join(f"%s::{kind}[]" for kind in types)
    assigned = ", ".join(f"{column} = v.n{number}" for number, column in enumerate(columns))
    matched = [f"t.{column} = v.k{number}" for number, column in enumerate(plan.key_columns)]
    matched += [f"t.{column} = v.o{number}" for number, column in enumerate(columns)]
    cursor.execute(
        f"UPDATE {plan.table} AS t SET {assigned} FROM unnest({arrays}) "  # noqa: S608
        f"AS v({', '.join(names)}) WHERE {' AND '.join(matched)}",
        [list(values) for values in zip(*group, strict=True)],
    )
