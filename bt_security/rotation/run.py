"""One run of `rotate_keys`: choose tables, rotate, close the move, say what happened."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.db import connections

from bt_security import keys
from bt_security.exceptions import RotationRefused
from bt_security.keys import Keyring
from bt_security.keys.current import SETTLE_SECONDS
from bt_security.keys.inventory import SealedTable, sealed_tables
from bt_security.rotation.columns import ROWS_PER_BATCH, TablePlan
from bt_security.rotation.engine import Tick, ignore
from bt_security.rotation.inventory import refresh_inventory
from bt_security.rotation.online import (
    OnlineOptions,
    begin_online,
    rotate_online,
    rotate_with_workers,
    seal_what_is_left,
)
from bt_security.rotation.report import ColumnCount, Report
from bt_security.rotation.target import finish_move, rotation_keyring
from bt_security.rotation.transaction import rotate_in_transactions
from bt_security.signals import report as report_event

MOST_FINISHING_SWEEPS = 10


@dataclass(frozen=True, slots=True)
class Choice:
    """What `rotate_keys` was asked for. `models` are labels, empty means all."""

    models: tuple[str, ...] = ()
    using: str | None = None
    online: bool = False
    workers: int = 1
    batch_size: int = ROWS_PER_BATCH
    rows_per_second: float | None = None
    skip_errors: bool = False
    from_database_key: bool = False


def chosen_tables(choice: Choice) -> list[SealedTable]:
    """Return the sealed tables that the choice names.

    Raises:
        RotationRefused: a name is not that of an installed model with sealed columns, or the
            database alias is unknown.
    """
    if choice.using and choice.using not in connections:
        raise RotationRefused(f"no such database alias: {choice.using}")
    found = list(sealed_tables(choice.using))
    if not choice.models:
        return found
    wanted = {label.lower() for label in choice.models}
    unknown = wanted - {table.model._meta.label_lower for table in found}
    if unknown:
        raise RotationRefused(
            f"no sealed column in: {', '.join(sorted(unknown))} (app.Model with an encrypted field)"
        )
    return [table for table in found if table.model._meta.label_lower in wanted]


def count_values(tables: list[SealedTable], keyring: Keyring) -> Report:
    """Return a report with the totals of every column and nothing done yet."""
    report = Report(target=keyring.sealing_key.prefix)
    for table in tables:
        plan = TablePlan(table, report.target)
        for column, (total, fresh) in zip(plan.fields, plan.totals(), strict=True):
            name = f"{plan.label}.{column.name}"
            count = report.columns.setdefault(name, ColumnCount(name))
            count.total += total
            count.already += fresh
    return report


def rotate(
    choice: Choice,
    *,
    tick: Tick = ignore,
    report: Report | None = None,
    settle_seconds: float = SETTLE_SECONDS,
) -> Report:
    """Re-seal everything old that the choice names, and return what happened.

    `settle_seconds` is how long other processes may take to notice that values move.

    Raises:
        RotationRefused: a value did not open and errors are not skipped; nothing was changed
            in the database that it is in.
        KeyRefused: this process may not seal.
    """
    started = time.monotonic()
    keyring = rotation_keyring(from_database_key=choice.from_database_key)
    tables = chosen_tables(choice)
    report = report or count_values(tables, keyring)
    report.orphans = refresh_inventory()
    if choice.online:
        _rotate_online(choice, tables, report, tick)
    else:
        rotate_in_transactions(
            tables,
            report,
            from_database_key=choice.from_database_key,
            batch_size=choice.batch_size,
            skip_errors=choice.skip_errors,
            tick=tick,
        )
    report.seconds = time.monotonic() - started
    report.phase = _finish(choice, tables, report, tick=tick, settle_seconds=settle_seconds)
    report_event(
        "keys.rotated",
        outcome="success" if report.is_complete else "failure",
        target=f"key:{keyring.sealing_key.key_id}",
        details={"values": report.migrated, "rows": report.rows, "failed": report.failed},
    )
    return report


def _options(choice: Choice) -> OnlineOptions:
    return OnlineOptions(
        batch_size=choice.batch_size,
        rows_per_second=choice.rows_per_second,
        from_database_key=choice.from_database_key,
    )


def _rotate_online(choice: Choice, tables: list[SealedTable], report: Report, tick: Tick) -> None:
    keyring = begin_online(report, from_database_key=choice.from_database_key)
    if choice.workers > 1:
        labels = [table.model._meta.label for table in tables]
        rotate_with_workers(
            report,
            _options(choice),
            workers=choice.workers,
            chosen=labels,
            using=choice.using,
            tick=tick,
        )
    else:
        rotate_online(keyring, tables, report, _options(choice), tick=tick)
    seal_what_is_left(keyring, tables, report, _options(choice), tick=tick)


def _finish(
    choice: Choice,
    tables: list[SealedTable],
    report: Report,
    *,
    tick: Tick,
    settle_seconds: float,
) -> str:
    """Close the move to the operator key, catching values that late processes sealed.

    Values that failed or have no model any more, and a rotation of a part only, leave it open.
    """
    keys.reload()
    if choice.models or choice.using or not report.is_complete:
        state = keys.ring().state
        return state.phase if state else ""
    for _ in range(MOST_FINISHING_SWEEPS):
        phase = finish_move(settle_seconds=settle_seconds)
        if phase != "migrating":
            return phase
        keyring = rotation_keyring(from_database_key=choice.from_database_key)
        rotate_online(keyring, tables, report, _options(choice), tick=tick)
        seal_what_is_left(keyring, tables, report, _options(choice), tick=tick)
        if not report.is_complete:
            break
    return "migrating"
