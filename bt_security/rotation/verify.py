"""`--verify`: open every value, change nothing."""

from __future__ import annotations

from typing import Any

from bt_security.crypto import Bound, looks_sealed
from bt_security.exceptions import OpenRefused
from bt_security.fields.foreign import open_plain
from bt_security.keys import Keyring
from bt_security.keys.inventory import SealedTable
from bt_security.rotation.columns import ROWS_PER_BATCH, Key, TablePlan
from bt_security.rotation.engine import Tick, ignore
from bt_security.rotation.report import Failure, Report
from bt_security.rotation.reseal import bound_values


def verify_tables(
    keyring: Keyring,
    tables: list[SealedTable],
    report: Report,
    *,
    batch_size: int = ROWS_PER_BATCH,
    tick: Tick = ignore,
) -> None:
    """Open every value of the tables; what does not open is in the report's failures."""
    for table in tables:
        plan = TablePlan(table, keyring.sealing_key.prefix)
        after: Key | None = None
        while True:
            with plan.connection.cursor() as cursor:
                rows = plan.page(cursor, after=after, limit=batch_size, everything=True)
            for row in rows:
                _verify_row(plan, row, report)
            tick(len(rows))
            if len(rows) < batch_size:
                break
            after = tuple(rows[-1][: len(plan.key_columns)])


def _verify_row(plan: TablePlan, row: tuple[Any, ...], report: Report) -> None:
    width = len(plan.key_columns)
    texts, others = row[width : width + len(plan.fields)], row[width + len(plan.fields) :]
    for column, text in zip(plan.fields, texts, strict=True):
        if text is None:
            continue
        try:
            bound = bound_values(column, plan.bound_fields, others) if column.bind_to else []
            _open(column, text, bound)
        except OpenRefused as error:
            pk = ", ".join(str(part) for part in row[:width])
            reason, alias = type(error).__name__, plan.sealed.alias
            report.add_failure(
                Failure(plan.label, column.name, pk, reason, error.key_id, database=alias)
            )


def _open(column: Any, text: str, bound: list[Bound]) -> None:
    if column.holds_other_text and not looks_sealed(text):
        open_plain(column, text, inside_rotation=True)
    else:
        column.open_text(text, bound)
