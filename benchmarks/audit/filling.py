"""Many entries at once: finished as `audit.record` finishes them, stored in one go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from benchmarks.audit.around import ACTION, AGENT, DETAILS
from benchmarks.encryption.tables import vacuum
from bt_security.audit.canonical import canonical_json
from bt_security.audit.personal import seal_personal
from bt_security.audit.recording import MAC_PURPOSE
from bt_security.audit.rows import COLUMNS, VERSION, Row, finish, new_uid
from bt_security.audit.tags import address_tag
from bt_security.keys import purpose_keys
from bt_security.models import ActorKind, AuditEntry, AuditHour, AuditSeal, Outcome, Severity

ACTORS = 50
TARGETS = 5_000
EVERY = timedelta(seconds=1)
PAGE_ROWS = 10_000


def fill(count: int) -> None:
    """Empty the log, seals and all, and store `count` entries, a second apart, the last one now."""
    forget_seals()
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {AuditEntry._meta.db_table}")
    start = datetime.now(UTC) - count * EVERY
    for first in range(0, count, PAGE_ROWS):
        # Finished first: making them may ask for a key, which no connection answers amid a COPY.
        _store(list(_rows(start, first, min(PAGE_ROWS, count - first))))
    vacuum(AuditEntry)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def forget_seals() -> None:
    """Make every entry an unsealed one."""
    AuditSeal.objects.all().delete()
    AuditHour.objects.all().delete()


def _rows(start: datetime, first: int, count: int) -> Iterator[Row]:
    key = purpose_keys(MAC_PURPOSE)[0]
    tag = address_tag("192.0.2.7")
    body = canonical_json(DETAILS)
    for number in range(first, first + count):
        actor, uid = str(number % ACTORS + 1), new_uid()
        sealed, key_id = _personal(actor, uid)
        row = Row(
            uid=uid,
            recorded_at=start + number * EVERY,
            action=ACTION,
            outcome=int(Outcome.SUCCESS),
            severity=int(Severity.INFORMATIONAL),
            reason="",
            actor_kind=int(ActorKind.USER),
            actor_id=actor,
            via="",
            target_kind="shop.item",
            target_id=str(number % TARGETS),
            tenant="",
            request_id=uid.hex,
            session_ref="0123456789abcdef",
            body=body,
            personal=sealed,
            subject_key=key_id,
            address_tag=tag,
            version=VERSION,
            mac_generation=key.generation,
        )
        yield finish(row, key.secret)


def _personal(actor: str, uid: UUID) -> tuple[bytes, int]:
    said = {"address": "192.0.2.7", "agent": AGENT, "label": f"reader{actor}"}
    return seal_personal(said, subject=f"user:{actor}", uid=uid)


def _store(rows: Sequence[Row]) -> None:
    columns, table = ", ".join(COLUMNS), AuditEntry._meta.db_table
    if connection.vendor == "postgresql":
        with (
            transaction.atomic(),
            connection.cursor() as cursor,
            cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)
        return
    made = [AuditEntry(**row._asdict()) for row in rows]
    AuditEntry.objects.bulk_create(made, batch_size=500)
