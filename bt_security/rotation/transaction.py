"""The default rotation: one transaction per database, all or nothing."""

from __future__ import annotations

from collections import defaultdict

from django.db import transaction

from bt_security.exceptions import RotationRefused
from bt_security.keys import Keyring, store
from bt_security.keys.inventory import SealedTable
from bt_security.rotation.columns import TablePlan
from bt_security.rotation.engine import TableRotation, Tick, ignore
from bt_security.rotation.report import Report
from bt_security.rotation.target import begin_move, rewrap_purpose_keys

MOST_SWEEPS = 20


def rotate_in_transactions(
    keyring: Keyring,
    tables: list[SealedTable],
    report: Report,
    *,
    batch_size: int = 1000,
    skip_errors: bool = False,
    tick: Tick = ignore,
) -> None:
    """Re-seal everything old, one transaction per database; the one with the keys comes first.

    Raises:
        RotationRefused: a value does not open and `skip_errors` is off. The database that it
            is in is left as it was.
    """
    by_alias: dict[str, list[SealedTable]] = defaultdict(list)
    by_alias[store.alias()] = []
    for table in tables:
        by_alias[table.alias].append(table)
    for alias, group in by_alias.items():
        with transaction.atomic(using=alias):
            if alias == store.alias():
                store.lock()
                begin_move(keyring)
                report.purpose_keys += rewrap_purpose_keys(keyring)
            for table in group:
                _rotate_table(
                    TableRotation(
                        TablePlan(table, keyring.sealing_key.prefix),
                        keyring,
                        report,
                        batch_size=batch_size,
                        tick=tick,
                    )
                )
            if report.failed and not skip_errors:
                raise RotationRefused(
                    f"{report.failed} value(s) did not open; database {alias!r} is unchanged"
                )


def _rotate_table(rotation: TableRotation) -> None:
    """Sweep until no row was lost to a concurrent write."""
    for _ in range(MOST_SWEEPS):
        lost_before = rotation.report.lost_races
        rotation.sweep()
        if rotation.report.lost_races == lost_before:
            return
