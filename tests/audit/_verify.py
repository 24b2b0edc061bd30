"""A sealed log, raw SQL to tamper with it, and what a verification says of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.db import connection

from bt_security import keys
from bt_security.audit import record
from bt_security.audit.rows import finish
from bt_security.audit.seals import merkle, sealing
from bt_security.audit.seals.anchors import Anchor
from bt_security.audit.seals.heads import GENESIS, head_of, statement
from bt_security.audit.seals.merkle import leaf_tags
from bt_security.audit.seals.ranges import Ranges
from bt_security.audit.seals.signing import Signer, signer
from bt_security.audit.verification.entries import members
from bt_security.audit.verification.findings import Verdict
from bt_security.audit.verification.rows import Reader, mac_secrets
from bt_security.audit.verification.verifying import Choice, verify
from bt_security.keys import purpose_keys
from bt_security.models import AuditEntry, AuditSeal, Setting

ENTRIES, SEALS = AuditEntry._meta.db_table, AuditSeal._meta.db_table
NOTES = {
    "ANCHORED",
    "CLOCK BACKWARDS",
    "KEY DERIVED",
    "SEQUENCE AHEAD",
    "TAIL UNPROVED",
    "UNSEALED",
}
PURPOSES = ("audit-mac", "audit-address", "audit-name", "audit-signing")


@contextmanager
def without_keys(blocker) -> Iterator[None]:
    """Begin without keys in the database, which tests commit, and leave those of before."""
    with blocker.unblock():
        before = list(Setting.vault.all())
        forget_keys()
    yield
    with blocker.unblock():
        forget_keys()
        Setting.vault.bulk_create(before)


def forget_keys() -> None:
    Setting.vault.all().delete()
    keys.forget()


def run(sql: str, *values: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(values) or None)
        return cursor.rowcount


def write(count: int = 1, **options) -> list[int]:
    """Record entries and return their ids."""
    uids = [record("audit.read", **options) for _ in range(count)]
    return sorted(AuditEntry.objects.filter(uid__in=uids).values_list("id", flat=True))


def stored(entry_id: int):
    (one,) = Reader("default").chosen([entry_id])
    return one.row


def put(entry_id: int, row) -> None:
    """Insert a row under this id, past everything."""
    columns = {**row._asdict(), "id": entry_id or 10**9}
    AuditEntry(**columns).save(force_insert=True)
    if not entry_id:
        run(f"UPDATE {ENTRIES} SET id = 0 WHERE id = %s", 10**9)


def set_column(entry_id: int, **columns) -> None:
    """UPDATE an entry as someone who can write the database would."""
    ((name, value),) = columns.items()
    assert run(f"UPDATE {ENTRIES} SET {name} = %s WHERE id = %s", value, entry_id) == 1


def genuine(row):
    """Return a row with the hash and the MAC of its columns."""
    return finish(row, mac_secrets()[row.mac_generation])


def remade(entry_id: int, **changed) -> None:
    """Change an entry as someone who has the MAC key would: hash and MAC fit again."""
    row = genuine(stored(entry_id)._replace(**changed))
    for name in (*changed, "row_hash", "mac"):
        set_column(entry_id, **{name: getattr(row, name)})


def take_out(entry_id: int):
    """Delete an entry and return its row."""
    row = stored(entry_id)
    assert run(f"DELETE FROM {ENTRIES} WHERE id = %s", entry_id) == 1
    return row


def seal(**options) -> AuditSeal:
    *_, last = sealing.seal(**options)
    return last


def anchor_file(path: Path) -> str:
    """Write the anchor of every seal."""
    seals = AuditSeal.objects.order_by("seq")
    path.write_text("".join(f"{Anchor.of(seal).as_json()}\n" for seal in seals))
    return str(path)


def rewrite(own: Signer | None = None, **changes: dict[str, object]) -> None:
    """Make all seals anew from what is there, as someone who has the signing key would.

    `changes` are columns by seal: `seal_2={"sealed_at": ...}`.
    """
    own = own or signer()
    head = GENESIS
    for one in AuditSeal.objects.order_by("seq"):
        ids = [n for first, last in members(one) for n in range(first, last + 1)]
        found = list(Reader("default").chosen(ids))
        lost = Ranges.from_ids(set(ids) - {each.id for each in found})
        leaves = [merkle.leaf(each.id, each.row.row_hash, each.row.mac) for each in found]
        one.gaps = Ranges.parse(one.gaps).union(lost).dump()
        one.count, one.root, one.leaf_tags = len(found), merkle.root(leaves), leaf_tags(leaves)
        one.previous_head, one.signing_key = head, own.key_id
        for name, value in changes.get(f"seal_{one.seq}", {}).items():
            setattr(one, name, value)
        head = one.head = head_of(one)
        one.signature = own.sign(statement(head))
        one.save(force_update=True)


def age(days: int = 2) -> None:
    """Make every seal but the newest so old that nothing may arrive late any more."""
    seals = list(AuditSeal.objects.order_by("seq"))
    long_ago = {one: one.sealed_at - timedelta(days=days) for one in seals[:-1]}
    rewrite(**{f"seal_{one.seq}": {"sealed_at": at} for one, at in long_ago.items()})


@dataclass
class Log:
    """Three seals of ten entries; `late` was in flight at the second and is in the third."""

    ids: list[int]
    late: int
    gap: int


def make_log() -> Log:
    """Seal ten entries three times: one id is never used, one entry arrives late."""
    for purpose in PURPOSES:
        purpose_keys(purpose)
    write()
    AuditEntry.objects.all().delete()
    first = write(10)
    seal()
    *second, gap, late = write(11)
    take_out(gap)
    in_flight = take_out(late)
    second += write(1)
    seal()
    third = write(9)
    put(late, in_flight)
    seal()
    return Log([*first, *second, *third], late, gap)


def verdict_of(**choice) -> Verdict:
    return verify(Choice(**choice))


def tampering(verdict: Verdict) -> dict[str, list[int]]:
    """What was found, without what every log of these tests has: entries, else seals, by kind."""
    return {
        finding.kind.label: numbers(finding.entries or finding.seals)
        for finding in verdict.findings
        if finding.kind.label not in NOTES
    }


def numbers(ranges) -> list[int]:
    return [number for first, last in ranges for number in range(first, last + 1)]
