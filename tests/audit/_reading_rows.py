"""Entries and seals made by hand, with the columns that a test speaks of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management.color import no_style
from django.db import connection

from bt_security.audit import writing
from bt_security.audit.recording import MAC_PURPOSE
from bt_security.audit.rows import VERSION, Row, finish, new_uid
from bt_security.audit.seals.ranges import Ranges
from bt_security.keys import purpose_keys
from bt_security.models import (
    ActorKind,
    AuditEntry,
    AuditSeal,
    AuditSubjectKey,
    Outcome,
    Severity,
)

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def empty_log(log):
    """A log that is on, without the entries about the keys that were made for it."""
    AuditEntry.objects.all().delete()


@pytest.fixture
def unwritable_log(empty_log, monkeypatch):
    """A log with one entry, whose `uid` this is, that takes no more."""
    entry = made_entry(1)
    monkeypatch.setattr(writing, "COLUMNS", ("no_such_column",))
    writing._statement.cache_clear()
    yield str(entry.uid)
    writing._statement.cache_clear()


def made_entry(entry_id=None, **columns):
    """Insert an entry; what is not said is that of a user's log-in a minute times id later."""
    entry = AuditEntry.objects.create(id=entry_id, **row(entry_id, **columns)._asdict())
    _let_ids_go_on()
    return entry


def many_entries(count):
    """Insert entries with the ids from 1."""
    ids = range(1, count + 1)
    AuditEntry.objects.bulk_create(AuditEntry(id=n, **row(n)._asdict()) for n in ids)
    _let_ids_go_on()


def row(entry_id=None, **columns):
    """Return a finished row."""
    newest = purpose_keys(MAC_PURPOSE)[0]
    defaults = {
        "uid": new_uid(),
        "recorded_at": START + timedelta(minutes=(entry_id or 0) % 10**6),
        "action": "user.login",
        "outcome": Outcome.SUCCESS,
        "severity": Severity.INFORMATIONAL,
        "reason": "",
        "actor_kind": ActorKind.USER,
        "actor_id": "5",
        "via": "",
        "target_kind": "testapp.account",
        "target_id": "5",
        "tenant": "",
        "request_id": "",
        "session_ref": "",
        "body": "{}",
        "personal": b"",
        "subject_key": 0,
        "address_tag": b"",
        "version": VERSION,
        "mac_generation": newest.generation,
    }
    given = {
        name: int(value) if isinstance(value, int) else value
        for name, value in {**defaults, **columns}.items()
    }
    return finish(Row(**given), newest.secret)


def break_data_key(subject):
    """Change the stored data key of a person, so that it does not open."""
    table = connection.ops.quote_name(AuditSubjectKey._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT secret FROM {table} WHERE subject = %s", [subject])
        (sealed,) = cursor.fetchone()
        broken = sealed[:-8] + sealed[-8:].swapcase()
        cursor.execute(f"UPDATE {table} SET secret = %s WHERE subject = %s", [broken, subject])


def _let_ids_go_on():
    """Let what is recorded next come after the ids that were given by hand."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [AuditEntry]):
            cursor.execute(statement)


def made_seal(seq, after_id, last_id, *, gaps="[]", late="[]", sealed_at=None, times=None):
    """Insert a seal that nobody signed; `times` are those of its first and last entry."""
    first, last = times or (
        START + timedelta(minutes=after_id + 1),
        START + timedelta(minutes=last_id),
    )
    return AuditSeal.objects.create(
        seq=seq,
        after_id=after_id,
        last_id=last_id,
        count=last_id - after_id - Ranges.parse(gaps).count() + Ranges.parse(late).count(),
        gaps=gaps,
        late=late,
        first_recorded_at=first,
        last_recorded_at=last,
        root=bytes(32),
        previous_head=bytes(32),
        head=bytes(32),
        signing_key="",
        signature=b"",
        sealed_at=sealed_at or last + timedelta(seconds=30),
    )
