"""The default rotation: one transaction per database, all or nothing."""

from __future__ import annotations

from collections import defaultdict

from django.db import transaction

from bt_security.exceptions import RotationRefused
from bt_security.keys import Keyring, store
from bt_security.keys.inventory import SealedTable
from bt_security.rotation.columns import ROWS_PER_BATCH, TablePlan
from bt_security.rotation.engine import TableRotation, Tick, ignore
from bt_security.rotation.report import Report
from bt_security.rotation.target import begin_rotation


def rotate_in_transactions(
    tables: list[SealedTable],
    report: Report,
    *,
    from_database_key: bool = False,
    batch_size: int = ROWS_PER_BATCH,
    skip_errors: bool = False,
    tick: Tick = ignore,
) -> None:
    """Re-seal everything old, one transaction per database; the one with the keys comes first.

    Raises:
        RotationRefused: a value does not open and `skip_errors` is off. The database that it
            is in is left as it was.
        KeyRefused: this process may not seal.
    """
    by_alias: dict[str, list[SealedTable]] = defaultdict(list)
    by_alias[store.alias()] = []
    for table in tables:
        by_alias[table.alias].append(table)
    keyring: Keyring | None = None
    committed: list[str] = []
    for alias, group in by_alias.items():
        with transaction.atomic(using=alias):
            if keyring is None:
                keyring = begin_rotation(report, from_database_key=from_database_key)
            else:
                TablePlan(group[0], "").take_write_lock()
            for table in group:
                plan = TablePlan(table, keyring.sealing_key.prefix)
                _rotate_table(
                    TableRotation(plan, keyring, report, batch_size=batch_size, tick=tick)
                )
            if report.failed and not skip_errors:
                raise RotationRefused(_refusal(report, alias, committed))
        committed.append(alias)


def _refusal(report: Report, alias: str, committed: list[str]) -> str:
    done = f"; re-sealed before it: {', '.join(committed)}" if committed else ""
    return f"{report.failed} value(s) could not be re-sealed; database {alias!r} is unchanged{done}"


def _rotate_table(rotation: TableRotation) -> None:
    """Sweep once, and again with the rows locked if some were lost to concurrent writes."""
    rotation.sweep()
    if rotation.report.lost_races:
        rotation.sweep(locked=True)
