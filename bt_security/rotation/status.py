"""What `key_status` and the admin page show: keys, state, and values per column and key."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from bt_security import keys
from bt_security.crypto import PREFIX_LENGTH
from bt_security.exceptions import KeyRefused
from bt_security.fields.column import sealed_shape
from bt_security.keys import Keyring, store
from bt_security.keys.inventory import SealedTable, sealed_tables
from bt_security.rotation.columns import TablePlan

MOST_SEALS_PER_KEY = 2**32
"""Random 96-bit nonces: a key should not seal more values. Source: NIST SP 800-38D, 8.3."""

WARNING_SHARE = 0.5

TRADE_OFF = (
    "The key is kept in the same database as the values it protects: whoever can read the "
    "database, or a dump of it, can open them. Set TOKEN_ENCRYPTION_KEY to keep the key apart "
    "from the data, then run rotate_keys."
)


@dataclass(slots=True)
class ColumnStatus:
    """Values of one column per key prefix, and those that no sealing key made."""

    alias: str
    model: str
    field: str
    by_prefix: dict[str, int] = field(default_factory=dict)
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
    warnings: list[str] = field(default_factory=list)

    @property
    def old(self) -> int:
        """Values that `rotate_keys` would have to look at."""
        return sum(column.old for column in self.columns)

    def as_json(self) -> dict[str, Any]:
        """Return the status as JSON values."""
        return {**asdict(self), "old": self.old}


def key_status(*, using: str | None = None) -> KeyStatus:
    """Count every sealed column by key; one scan per table, nothing is opened.

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
        columns=[
            column for table in sealed_tables(using) for column in _columns(table, ring, prefix)
        ],
        purpose_keys=_purpose_keys(),
    )
    status.warnings = _warnings(status)
    return status


def _refusal(ring: Keyring) -> str:
    try:
        ring.sealing_key  # noqa: B018 - raises the refusal
    except KeyRefused as refusal:
        return str(refusal)
    return ""


def _columns(table: SealedTable, ring: Keyring, target: str) -> list[ColumnStatus]:
    plan = TablePlan(table, target)
    found = []
    for column, quoted in zip(plan.fields, plan.columns, strict=True):
        status = ColumnStatus(table.alias, plan.label, column.name)
        shape = sealed_shape(plan.connection, quoted)
        with plan.connection.cursor() as cursor:
            cursor.execute(
                f"SELECT CASE WHEN {shape} THEN substr({quoted}, 1, {PREFIX_LENGTH}) "  # noqa: S608
                f"ELSE '' END AS prefix, COUNT(*) "
                f"FROM {plan.table} WHERE {quoted} IS NOT NULL GROUP BY prefix"
            )
            for prefix, count in cursor.fetchall():
                _count(status, column, str(prefix), int(count), ring=ring, target=target)
        found.append(status)
    return found


def _count(
    status: ColumnStatus, column: Any, prefix: str, count: int, *, ring: Keyring, target: str
) -> None:
    if not prefix:
        if column.foreign_formats:
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


def _warnings(status: KeyStatus) -> list[str]:
    warnings: list[str] = []
    if status.refusal:
        warnings.append(status.refusal)
    if status.source == "database":
        warnings.append(TRADE_OFF)
    if status.phase == "done" and status.database_key_ids:
        warnings.append(
            "The database key is not needed any more: rotate_keys --retire-database-key deletes it."
        )
    per_key: dict[str, int] = {}
    for column in status.columns:
        for prefix, count in column.by_prefix.items():
            per_key[prefix] = per_key.get(prefix, 0) + count
    warnings += [
        f"Key {prefix[3:11]} holds {count} values; change it before 2^32 were sealed with it."
        for prefix, count in per_key.items()
        if count > MOST_SEALS_PER_KEY * WARNING_SHARE
    ]
    warnings += [
        f"{column.model}.{column.field} on {column.alias} has no CHECK against plaintext: "
        "bt_security.operations.GuardSealedColumn adds it."
        for column in status.columns
        if not column.guarded
    ]
    return warnings
