"""What `key_status` and the admin page show: keys, state, and values per column and key."""

from __future__ import annotations

import dataclasses
from dataclasses import asdict, dataclass
from typing import Any

from bt_security import keys
from bt_security.crypto import PREFIX_LENGTH
from bt_security.exceptions import KeyRefused
from bt_security.fields.column import KEY_ID, sealed_shape
from bt_security.fields.guard import unguarded_columns
from bt_security.keys import Keyring, store
from bt_security.keys.inventory import SealedTable, sealed_tables
from bt_security.rotation.columns import TablePlan
from bt_security.rotation.inventory import find_orphans

MOST_SEALS_PER_KEY = 2**32
"""Random 96-bit nonces: a key should not seal more values. Source: NIST SP 800-38D, 8.3."""

WARNING_SHARE = 0.5

_DAMAGED = "e?"

TRADE_OFF = (
    "The key is kept in the same database as the values it protects: whoever can read the "
    "database, or a dump of it, can open them. Set TOKEN_ENCRYPTION_KEY to keep the key apart "
    "from the data, then run rotate_keys."
)


@dataclass(slots=True)
class ColumnStatus:
    """Values of one column per key prefix, and those that no sealing key made.

    `unreadable` counts values of keys that are not configured or are retired, damaged ones, and
    plaintext where none may be. `old` counts what `rotate_keys` has to look at.
    """

    alias: str
    model: str
    field: str
    by_prefix: dict[str, int] = dataclasses.field(default_factory=dict)
    plaintext: int = 0
    foreign: int = 0
    unreadable: int = 0
    old: int = 0
    guarded: bool = True


@dataclass(slots=True)
class KeyStatus:
    """Source, state and key ids, and what is sealed with them."""

    source: str
    phase: str
    refusal: str
    sealing_prefix: str
    operator_key_id: str
    previous_key_ids: list[str]
    database_key_ids: list[str]
    accepts_database_key: bool
    columns: list[ColumnStatus]
    purpose_keys: dict[str, int]
    old_purpose_keys: int = 0
    orphans: list[str] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)

    @property
    def old(self) -> int:
        """Values and purpose keys that `rotate_keys` would have to look at."""
        return sum(column.old for column in self.columns) + self.old_purpose_keys

    @property
    def needs_old_keys(self) -> str:
        """Why no old key may be removed yet, "" if all may."""
        if self.refusal:
            return self.refusal
        if self.orphans:
            return f"sealed values without an installed model: {', '.join(self.orphans)}"
        return f"{self.old} value(s) are old" if self.old else ""

    def as_json(self) -> dict[str, Any]:
        """Return the status as JSON values."""
        return {**asdict(self), "old": self.old}


def key_status(
    *, using: str | None = None, most_seals_per_key: int = MOST_SEALS_PER_KEY
) -> KeyStatus:
    """Count every sealed column by key; one scan per column, nothing is opened or written.

    Half of `most_seals_per_key` values under one key bring a warning.

    Raises:
        KeyStoreMissing: the table of the keys does not exist yet.
    """
    ring = keys.reload()
    target = ring.operator_key or ring.sealer
    prefix = target.prefix if target is not None else ""
    status = KeyStatus(
        source=ring.source,
        phase=ring.state.phase if ring.state is not None else "",
        refusal=_refusal(ring),
        sealing_prefix=ring.sealer.prefix if ring.sealer is not None else "",
        operator_key_id=ring.operator_key.key_id if ring.operator_key is not None else "",
        previous_key_ids=[key.key_id for key in ring.previous_keys],
        database_key_ids=[key.key_id for key in ring.database_keys],
        accepts_database_key=ring.opens_database_key,
        columns=_all_columns(using, ring, prefix),
        purpose_keys=_purpose_keys(),
        orphans=find_orphans(),
    )
    counted = status.purpose_keys.items()
    status.old_purpose_keys = sum(count for stored, count in counted if stored != prefix)
    status.warnings = [*_key_warnings(status, most_seals_per_key), *_column_warnings(status)]
    return status


def _refusal(ring: Keyring) -> str:
    try:
        ring.sealing_key  # noqa: B018 - raises the refusal
    except KeyRefused as refusal:
        return str(refusal)
    return ""


def _all_columns(using: str | None, ring: Keyring, target: str) -> list[ColumnStatus]:
    found = [column for table in sealed_tables(using) for column in _columns(table, ring, target)]
    unguarded = {alias: unguarded_columns(alias) for alias in {column.alias for column in found}}
    for column in found:
        column.guarded = f"{column.model}.{column.field}" not in unguarded[column.alias]
    return found


def _columns(table: SealedTable, ring: Keyring, target: str) -> list[ColumnStatus]:
    plan = TablePlan(table, target)
    found = []
    for column, quoted in zip(plan.fields, plan.columns, strict=True):
        status = ColumnStatus(table.alias, plan.label, column.name)
        shape = sealed_shape(plan.connection, quoted)
        with plan.connection.cursor() as cursor:
            # What does not have our shape is counted, never selected: it may be plaintext.
            cursor.execute(
                f"SELECT CASE WHEN {shape} THEN substr({quoted}, 1, {PREFIX_LENGTH}) "  # noqa: S608
                f"WHEN substr({quoted}, 1, 3) IN ('e1:', 'e2:') THEN {_DAMAGED!r} ELSE '' END, "
                f"COUNT(*) FROM {plan.table} WHERE {quoted} IS NOT NULL GROUP BY 1"
            )
            for prefix, count in cursor.fetchall():
                _count(status, column, str(prefix), int(count), ring=ring, target=target)
        found.append(status)
    return found


def _count(
    status: ColumnStatus, column: Any, prefix: str, count: int, *, ring: Keyring, target: str
) -> None:
    if len(prefix) < PREFIX_LENGTH:
        if prefix == _DAMAGED:
            status.unreadable += count
        elif column.foreign_formats:
            status.foreign += count
        elif column.allow_plaintext:
            status.plaintext += count
        else:
            status.unreadable += count
        status.old += count
        return
    status.by_prefix[prefix] = status.by_prefix.get(prefix, 0) + count
    if prefix not in ring.openers:
        status.unreadable += count
    if prefix != target:
        status.old += count


def _purpose_keys() -> dict[str, int]:
    counted: dict[str, int] = {}
    stored = store.rows().filter(name__startswith=store.PURPOSE_PREFIX)
    for text in stored.values_list("value", flat=True):
        counted[text[:PREFIX_LENGTH]] = counted.get(text[:PREFIX_LENGTH], 0) + 1
    return counted


def _key_warnings(status: KeyStatus, most_seals_per_key: int) -> list[str]:
    warnings: list[str] = []
    if status.refusal:
        warnings.append(status.refusal)
    if status.source == "database":
        warnings.append(TRADE_OFF)
    if status.phase == "migrating":
        warnings.append("The database key still opens values: rotate_keys closes it.")
    if status.phase == "done" and status.database_key_ids:
        warnings.append(
            "The database key is not needed any more: rotate_keys --retire-database-key deletes it."
        )
    per_key: dict[str, int] = {}
    for column in status.columns:
        for prefix, count in column.by_prefix.items():
            per_key[prefix] = per_key.get(prefix, 0) + count
    warnings += [
        f"Key {prefix[KEY_ID]} holds {count} values; change it before "
        f"{most_seals_per_key} were sealed with it."
        for prefix, count in per_key.items()
        if count > most_seals_per_key * WARNING_SHARE
    ]
    return warnings


def _column_warnings(status: KeyStatus) -> list[str]:
    warnings = [
        f"{column.model}.{column.field} on {column.alias} has no CHECK against plaintext: "
        "bt_security.operations.GuardSealedColumn adds it."
        for column in status.columns
        if not column.guarded
    ]
    warnings += [
        f"{place}: sealed values, but no installed model; no key may be removed."
        for place in status.orphans
    ]
    return warnings
