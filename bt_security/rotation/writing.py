"""Compare-and-swap updates of a page of rows, one statement per set of changed columns."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, OperationalError, transaction

from bt_security.rotation.columns import Key, TablePlan

_SEALED_TEXTS = re.compile(r"e[12]:[A-Za-z0-9+/=:]+(?:,e[12]:[A-Za-z0-9+/=:]+)*")

Places = tuple[int, ...]
"""Numbers of the columns that change in a row."""

Change = tuple[Any, ...]
"""One row: the new texts of its changed columns, its key, the old texts."""

Changes = Mapping[Places, Sequence[Change]]

WAIT_SECONDS = (0.05, 0.2, 1.0)
"""Pauses before a batch is tried again that lost a deadlock or found SQLite locked."""


def key_of(plan: TablePlan, places: Places, change: Change) -> Key:
    """Return the primary key in a change."""
    return change[len(places) : len(places) + len(plan.key_columns)]


def write_changes(plan: TablePlan, changes: Changes) -> Iterator[tuple[Places, int, list[Key]]]:
    """Store the changes whose rows still hold the old texts.

    Inside a transaction they belong to it, else each statement is committed. Yields for each
    set of columns how many rows were written, and the keys that a unique index refused.
    """
    for places, group in changes.items():
        try:
            yield places, _write(plan, places, group), []
        except IntegrityError:
            yield places, *_write_one_by_one(plan, places, group)


def _write_one_by_one(
    plan: TablePlan, places: Places, group: Sequence[Change]
) -> tuple[int, list[Key]]:
    written = 0
    refused: list[Key] = []
    for change in group:
        try:
            written += _write(plan, places, [change])
        except IntegrityError:
            refused.append(key_of(plan, places, change))
    return written, refused


def _write(plan: TablePlan, places: Places, group: Sequence[Change]) -> int:
    for seconds in WAIT_SECONDS:
        try:
            return _update(plan, places, group)
        except OperationalError:
            if plan.connection.in_atomic_block:
                raise
            time.sleep(seconds)
    return _update(plan, places, group)


def _update(plan: TablePlan, places: Places, group: Sequence[Change]) -> int:
    columns = [plan.columns[place] for place in places]
    with transaction.atomic(using=plan.sealed.alias), plan.connection.cursor() as cursor:
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
        [
            _text_array(values) if kind == "text" else list(values)
            for kind, values in zip(types, zip(*group, strict=True), strict=True)
        ],
    )


def _text_array(values: Sequence[str]) -> str | list[str]:
    """Return texts as an array parameter, written out where no element needs quoting.

    The driver looks at every character of every element of a list, which takes longer than
    sealing them does.
    """
    joined = ",".join(values)
    return f"{{{joined}}}" if _SEALED_TEXTS.fullmatch(joined) else list(values)
