"""Compare-and-swap updates of a page of rows, one statement per set of changed columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction

from bt_security.rotation.columns import Key, TablePlan


class Change(NamedTuple):
    """New and old texts of the changed columns of one row; `places` are column numbers."""

    key: Key
    places: tuple[int, ...]
    new: tuple[str, ...]
    old: tuple[str, ...]


def write_changes(plan: TablePlan, changes: Sequence[Change]) -> tuple[int, list[Change]]:
    """Store the changes whose rows still hold the old texts, in the caller's transaction.

    Returns how many rows were written, and the changes that a unique index refused.
    """
    groups: dict[tuple[int, ...], list[Change]] = defaultdict(list)
    for change in changes:
        groups[change.places].append(change)
    written = 0
    refused: list[Change] = []
    for places, group in groups.items():
        try:
            with transaction.atomic(using=plan.sealed.alias):
                written += _update(plan, places, group)
        except IntegrityError:
            for change in group:
                try:
                    with transaction.atomic(using=plan.sealed.alias):
                        written += _update(plan, places, [change])
                except IntegrityError:
                    refused.append(change)
    return written, refused


def _update(plan: TablePlan, places: tuple[int, ...], group: list[Change]) -> int:
    columns = [plan.columns[place] for place in places]
    with plan.connection.cursor() as cursor:
        if plan.connection.vendor == "postgresql":
            _update_from_unnest(plan, columns, group, cursor)
        else:
            _update_many(plan, columns, group, cursor)
        return int(cursor.rowcount)


def _update_many(plan: TablePlan, columns: list[str], group: list[Change], cursor: Any) -> None:
    assigned = ", ".join(f"{column} = %s" for column in columns)
    matched = " AND ".join(f"{name} = %s" for name in (*plan.key_columns, *columns))
    cursor.executemany(
        f"UPDATE {plan.table} SET {assigned} WHERE {matched}",  # noqa: S608 - quoted names
        [(*change.new, *change.key, *change.old) for change in group],
    )


def _update_from_unnest(
    plan: TablePlan, columns: list[str], group: list[Change], cursor: Any
) -> None:
    key_types = [str(field.db_type(plan.connection)) for field in plan.key_fields]
    numbers = range(len(columns))
    names = [f"k{number}" for number in range(len(key_types))]
    names += [f"n{number}" for number in numbers] + [f"o{number}" for number in numbers]
    types = [*key_types, *["text"] * (2 * len(columns))]
    arrays = ", ".join(f"%s::{kind}[]" for kind in types)
    assigned = ", ".join(f"{column} = v.n{number}" for number, column in enumerate(columns))
    matched = [f"t.{column} = v.k{number}" for number, column in enumerate(plan.key_columns)]
    matched += [f"t.{column} = v.o{number}" for number, column in enumerate(columns)]
    cursor.execute(
        f"UPDATE {plan.table} AS t SET {assigned} FROM unnest({arrays}) "  # noqa: S608
        f"AS v({', '.join(names)}) WHERE {' AND '.join(matched)}",
        [
            *([change.key[number] for change in group] for number in range(len(key_types))),
            *([change.new[number] for change in group] for number in numbers),
            *([change.old[number] for change in group] for number in numbers),
        ],
    )
