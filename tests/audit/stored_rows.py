"""Finished rows put into the log without the recording: many, with chosen ids, or late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import connection, connections

from bt_security.audit.recording import MAC_PURPOSE
from bt_security.audit.rows import COLUMNS, VERSION, Row, finish, new_uid
from bt_security.audit.seals import merkle
from bt_security.audit.seals.heads import GENESIS, head_of
from bt_security.audit.seals.ranges import Ranges
from bt_security.audit.writing import _values
from bt_security.keys import purpose_keys
from bt_security.models import AuditEntry, AuditHour, AuditSeal, Outcome, Severity

MORNING = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


def made_row(*, secret=None, action="test.done", at=MORNING, outcome=Outcome.SUCCESS) -> Row:
    """Return a row that the recording could have made."""
    newest = purpose_keys(MAC_PURPOSE)[0]
    row = Row(
        uid=new_uid(),
        recorded_at=at,
        action=action,
        outcome=int(outcome),
        severity=int(Severity.LOW),
        reason="",
        actor_kind=2,
        actor_id="5",
        via="",
        target_kind="testapp.note",
        target_id="7",
        tenant="",
        request_id="",
        session_ref="",
        body="{}",
        personal=b"",
        subject_key=0,
        address_tag=b"",
        version=VERSION,
        mac_generation=newest.generation,
    )
    return finish(row, secret or newest.secret)


def put(*ids: int, using: str = "default", **of) -> list[Row]:
    """Insert one row under each id, a second apart from MORNING on, and return them."""
    at = of.pop("at", MORNING)
    rows = [made_row(at=at + timedelta(seconds=n), **of) for n, _ in enumerate(ids)]
    quote = connection.ops.quote_name
    columns = ", ".join(map(quote, ("id", *COLUMNS)))
    places = ", ".join(["%s"] * (len(COLUMNS) + 1))
    table = quote(AuditEntry._meta.db_table)
    with connections[using].cursor() as cursor:
        for entry_id, row in zip(ids, rows, strict=True):
            cursor.execute(
                f"INSERT INTO {table} ({columns}) VALUES ({places})",
                [entry_id, *_values(connections[using], row)],
            )
    return rows


def judge_log() -> None:
    """Assert that the chain is whole and that each entry is in one seal and in its hour."""
    previous, after_id, sealed = GENESIS, 0, []
    for seq, seal in enumerate(AuditSeal.objects.order_by("seq"), 1):
        assert (seal.seq, seal.after_id, bytes(seal.previous_head)) == (seq, after_id, previous)
        members = members_of(seal)
        leaves = [
            merkle.leaf(entry.id, bytes(entry.row_hash), bytes(entry.mac)) for entry in members
        ]
        assert (merkle.root(leaves), len(leaves)) == (bytes(seal.root), seal.count)
        assert head_of(seal) == bytes(seal.head)
        previous, after_id = bytes(seal.head), seal.last_id
        sealed += [entry.id for entry in members]
    stored = sorted(AuditEntry.objects.values_list("id", flat=True))
    assert sorted(sealed) == stored
    assert sum(AuditHour.objects.values_list("count", flat=True)) == len(stored)


def members_of(seal: AuditSeal) -> list[AuditEntry]:
    """Return the entries of a seal by its own word, ascending."""
    gaps, late = Ranges.parse(seal.gaps), Ranges.parse(seal.late)
    own = AuditEntry.objects.filter(id__gt=seal.after_id, id__lte=seal.last_id).order_by("id")
    late_ids = [number for first, last in late for number in range(first, last + 1)]
    late_ones = AuditEntry.objects.filter(id__in=late_ids).order_by("id")
    return [*late_ones, *(entry for entry in own if entry.id not in gaps)]
