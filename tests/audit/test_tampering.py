"""Whoever can write the database changes the log with raw SQL: each change is found and named."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, models

from bt_security.models import AuditEntry, AuditSeal
from bt_security.testing import fixed_key
from tests.audit._verify import (
    ENTRIES,
    age,
    make_log,
    put,
    remade,
    rewrite,
    run,
    seal,
    set_column,
    stored,
    take_out,
    tampering,
    verdict_of,
    without_keys,
    write,
)

ADDED = b"\x01"


@pytest.fixture(autouse=True)
def _own_keys(django_db_setup, django_db_blocker):
    with without_keys(django_db_blocker):
        yield


@pytest.fixture
def site(audit_on, db):
    with fixed_key():
        yield


@pytest.fixture
def log(site):
    return make_log()


def found() -> dict[str, list[int]]:
    return tampering(verdict_of())


def test_a_log_that_nobody_touched_is_clean(log):
    verdict = verdict_of()
    assert tampering(verdict) == {}
    assert verdict.integrity == "clean"
    assert (verdict.seals, verdict.entries, verdict.unsealed) == (3, 30, 0)


COLUMNS = {
    "uid": lambda row: uuid4() if connection.vendor == "postgresql" else uuid4().hex,
    "action": lambda row: "audit.exported",
    "outcome": lambda row: 2,
    "severity": lambda row: 5,
    "reason": lambda row: "another",
    "actor_kind": lambda row: 7,
    "actor_id": lambda row: "1",
    "via": lambda row: "1",
    "target_kind": lambda row: "bill",
    "target_id": lambda row: "1",
    "tenant": lambda row: "other",
    "request_id": lambda row: "1",
    "session_ref": lambda row: "1",
    "body": lambda row: '{"count":1}',
    "personal": lambda row: ADDED,
    "subject_key": lambda row: row.subject_key + 1,
    "address_tag": lambda row: ADDED,
    "version": lambda row: 2,
    "mac_generation": lambda row: 2,
    "row_hash": lambda row: bytes(32),
    "mac": lambda row: bytes(32),
}


@pytest.mark.parametrize("column", COLUMNS)
def test_an_edited_entry_is_named_whatever_column_it_is(log, column):
    edited = log.ids[4]
    set_column(edited, **{column: COLUMNS[column](stored(edited))})
    assert found() == {"EDITED": [edited]}


def test_every_column_can_be_edited_in_these_tests():
    assert {*COLUMNS, "recorded_at", "id"} == {
        field.column for field in AuditEntry._meta.concrete_fields
    }


def test_a_re_dated_entry_is_named(log):
    earlier = stored(log.ids[4]).recorded_at - timedelta(days=1)
    value = connection.ops.adapt_datetimefield_value(earlier)
    set_column(log.ids[4], recorded_at=value)
    assert found() == {"EDITED": [log.ids[4]]}


def test_an_edit_with_a_new_hash_is_named(log):
    row = stored(log.ids[4])
    remade(log.ids[4], reason="another")
    set_column(log.ids[4], mac=row.mac)
    assert found() == {"EDITED": [log.ids[4]]}


def test_an_edit_with_the_key_of_the_macs_is_named(log):
    remade(log.ids[4], reason="another")
    assert found() == {"REPLACED": [log.ids[4]]}


def test_an_edit_before_sealing_is_named(log):
    (fresh,) = write()
    row = stored(fresh)
    remade(fresh, reason="another")
    set_column(fresh, mac=row.mac)
    seal()
    assert found() == {"EDITED": [fresh]}


def test_an_edited_entry_that_is_not_sealed_is_named(log):
    (fresh,) = write()
    set_column(fresh, reason="another")
    assert found() == {"EDITED": [fresh]}


def test_swapped_ids_are_named(log):
    one, other = log.ids[2], log.ids[6]
    for old, new in ((one, 10**6), (other, one), (10**6, other)):
        run(f"UPDATE {ENTRIES} SET id = %s WHERE id = %s", new, old)
    assert found() == {"REPLACED": [one, other]}


def test_a_deleted_entry_is_named(log):
    take_out(log.ids[4])
    verdict = verdict_of()
    assert tampering(verdict) == {"DELETED": [log.ids[4]]}
    assert (verdict.integrity, verdict.completeness) == ("clean", "tampered")


def test_a_deleted_late_entry_is_named(log):
    take_out(log.late)
    assert found() == {"DELETED": [log.late]}


def test_deleted_neighbours_and_the_last_entry_are_named(log):
    gone = [*log.ids[9:11], log.ids[-1]]
    for entry_id in gone:
        take_out(entry_id)
    assert found() == {"DELETED": gone}


def test_an_entry_that_was_moved_is_deleted_here_and_unsealed_there(log):
    run(f"UPDATE {ENTRIES} SET id = %s WHERE id = %s", log.ids[-1] + 5, log.ids[4])
    assert found() == {"DELETED": [log.ids[4]]}


def test_an_entry_put_into_an_old_gap_is_named(log):
    age()
    (fresh,) = write()
    put(log.gap, take_out(fresh))
    assert found() == {"INSERTED": [log.gap]}


def test_an_edited_entry_put_into_an_old_gap_is_only_an_inserted_one(log):
    age()
    (fresh,) = write()
    put(log.gap, take_out(fresh)._replace(reason="another"))
    assert found() == {"INSERTED": [log.gap]}


def test_an_entry_put_into_a_young_gap_may_be_late(log):
    (fresh,) = write()
    put(log.gap, take_out(fresh))
    verdict = verdict_of()
    assert tampering(verdict) == {}
    assert verdict.unsealed == 1


def test_an_edited_entry_in_a_young_gap_is_named(log):
    (fresh,) = write()
    put(log.gap, take_out(fresh)._replace(reason="another"))
    assert found() == {"EDITED": [log.gap]}


def test_a_late_entry_that_was_not_sealed_in_time_is_no_gap_of_the_newest_seal(log):
    """Sealing stood still since: nobody could have listed the entry."""
    (fresh,) = write()
    in_flight = take_out(fresh)
    write()
    seal()
    rewrite(seal_4={"sealed_at": AuditSeal.objects.get(seq=4).sealed_at - timedelta(days=9)})
    put(fresh, in_flight)
    assert found().keys() <= {"SEALING STOPPED"}


@pytest.mark.parametrize("entry_id", [0, -7])
def test_an_entry_below_all_others_is_named(log, entry_id):
    if (connection.vendor, entry_id) == ("mysql", 0):
        run("SET SESSION sql_mode = CONCAT(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO')")
    (fresh,) = write()
    put(entry_id, take_out(fresh))
    assert found() == {"INSERTED": [entry_id]}


def test_a_copy_with_another_uid_is_named(log):
    copy = stored(log.ids[4])._replace(uid=uuid4())
    put(log.ids[-1] + 1, copy)
    assert found() == {"EDITED": [log.ids[-1] + 1]}


@pytest.fixture
def no_unique_uid(transactional_db):
    """Somebody has dropped the unique index."""
    field = AuditEntry._meta.get_field("uid")
    plain = models.UUIDField(editable=False)
    plain.set_attributes_from_name("uid")
    plain.model = AuditEntry
    with connection.schema_editor() as editor:
        editor.alter_field(AuditEntry, field, plain)
    yield
    AuditEntry.objects.all().delete()
    with connection.schema_editor() as editor:
        editor.alter_field(AuditEntry, plain, field)


def test_a_copy_of_a_valid_entry_is_named(audit_on, no_unique_uid):
    with fixed_key():
        log = make_log()
        copy = log.ids[-1] + 50
        columns = ", ".join(
            field.column for field in AuditEntry._meta.concrete_fields if field.column != "id"
        )
        run(
            f"INSERT INTO {ENTRIES} (id, {columns}) SELECT {copy}, {columns} FROM {ENTRIES} "
            f"WHERE id = {log.ids[4]}"
        )
        assert found() == {"COPIED": [log.ids[4], copy]}
