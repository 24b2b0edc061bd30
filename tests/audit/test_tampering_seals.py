"""Whoever can write the database changes seals with raw SQL, or makes them anew."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection

from bt_security.audit.seals.signing import Signer
from bt_security.models import AuditSeal
from bt_security.testing import fixed_key
from tests.audit._verify import (
    ENTRIES,
    SEALS,
    age,
    anchor_file,
    make_log,
    rewrite,
    run,
    seal,
    set_column,
    take_out,
    tampering,
    verdict_of,
    without_keys,
    write,
)


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


SEAL_COLUMNS = {
    "after_id": "after_id + 1",
    "last_id": "last_id + 1",
    "count": "count + 1",
    "gaps": "'[[1,1]]'",
    "late": "'[]'",
    "first_recorded_at": "NULL",
    "last_recorded_at": "NULL",
    "root": "previous_head",
    "leaf_tags": "root",
    "previous_head": "root",
    "head": "root",
    "signing_key": "'0123456789abcdef'",
    "signature": "root",
    "sealed_at": "last_recorded_at",
}


@pytest.mark.parametrize("column", SEAL_COLUMNS)
def test_an_edited_seal_is_named_whatever_column_it_is(log, column):
    quoted = connection.ops.quote_name(column)
    run(f"UPDATE {SEALS} SET {quoted} = {SEAL_COLUMNS[column]} WHERE seq = 3")
    verdict = verdict_of()
    assert tampering(verdict) == {"SEAL FORGED": [3]}
    assert (verdict.integrity, verdict.completeness) == ("tampered", "not provable")


def test_every_column_of_a_seal_can_be_edited_in_these_tests():
    columns = {field.column for field in AuditSeal._meta.concrete_fields}
    assert {*SEAL_COLUMNS, "seq"} == columns


def test_a_seal_in_the_middle_that_is_edited_breaks_no_chain_besides(log):
    run(f"UPDATE {SEALS} SET root = previous_head WHERE seq = 2")
    assert found() == {"SEAL FORGED": [2]}


def test_an_edited_entry_is_found_under_a_forged_seal(log):
    run(f"UPDATE {SEALS} SET root = previous_head WHERE seq IN (2, 3)")
    set_column(log.ids[14], reason="another")
    set_column(log.ids[24], reason="another")
    assert found() == {"SEAL FORGED": [2, 3], "EDITED": [log.ids[14], log.ids[24]]}


@pytest.mark.parametrize("seq", [1, 2])
def test_a_deleted_seal_is_named(log, seq):
    run(f"DELETE FROM {SEALS} WHERE seq = %s", seq)
    assert found() == {"SEAL MISSING": [seq]}


def test_a_late_entry_of_a_deleted_seal_is_not_called_inserted(log):
    write()
    seal()
    age()
    run(f"DELETE FROM {SEALS} WHERE seq = 3")
    assert found() == {"SEAL MISSING": [3]}


def test_an_entry_under_a_deleted_seal_is_still_judged_by_itself(log):
    write()
    seal()
    age()
    run(f"DELETE FROM {SEALS} WHERE seq = 3")
    set_column(log.late, reason="another")
    set_column(log.ids[24], reason="another")
    edited = sorted([log.late, log.ids[24]])
    assert found() == {"SEAL MISSING": [3], "EDITED": edited}


def test_seals_that_changed_places_are_named(log):
    for old, new in ((1, 9), (2, 1), (9, 2)):
        run(f"UPDATE {SEALS} SET seq = %s WHERE seq = %s", new, old)
    assert found() == {"SEAL FORGED": [1, 2]}


def test_a_copied_seal_is_named_and_nothing_between_is_missing(log):
    columns = ", ".join(
        connection.ops.quote_name(field.column)
        for field in AuditSeal._meta.concrete_fields
        if field.column != "seq"
    )
    run(f"INSERT INTO {SEALS} (seq, {columns}) SELECT 90, {columns} FROM {SEALS} WHERE seq = 3")
    assert found() == {"SEAL FORGED": [90]}


def test_seals_made_anew_with_another_key_are_named(log):
    take_out(log.ids[4])
    rewrite(Signer(Ed25519PrivateKey.generate(), is_derived=False))
    assert found() == {"KEY UNKNOWN": [1, 2, 3]}


def test_one_seal_made_anew_with_the_stolen_key_breaks_the_chain(log):
    take_out(log.ids[14])
    third = AuditSeal.objects.filter(seq=3)
    before = third.values().get()
    rewrite()
    third.update(**before)
    assert found() == {"CHAIN BROKEN": [3]}


def test_a_root_that_a_stolen_key_has_signed_does_not_fit(log):
    rewrite(seal_2={"root": bytes(32)})
    assert found() == {"ROOT MISMATCH": [2]}


def test_a_first_seal_that_follows_something_is_named(log):
    first = AuditSeal.objects.get(seq=1)
    rewrite(seal_1={"previous_head": first.root})
    assert found() == {"CHAIN BROKEN": [1]}


def test_a_signed_seal_that_contradicts_itself_is_named(log):
    rewrite(seal_2={"count": 3}, seal_3={"late": "[5]"})
    assert found() == {"SEAL FORGED": [2, 3]}


def test_a_stolen_signing_key_leaves_nothing_without_an_anchor(log):
    take_out(log.ids[4])
    rewrite()
    verdict = verdict_of()
    assert tampering(verdict) == {}
    assert verdict.completeness == "not provable"


def test_a_stolen_signing_key_is_found_with_an_anchor(log, tmp_path):
    anchors = anchor_file(tmp_path / "anchors")
    take_out(log.ids[14])
    rewrite()
    verdict = verdict_of(anchors=anchors)
    assert tampering(verdict) == {"HISTORY REWRITTEN": [2, 3]}
    assert (verdict.integrity, verdict.completeness) == ("tampered", "tampered")


def test_a_truncated_tail_is_not_provable_without_an_anchor(log):
    run(f"DELETE FROM {ENTRIES} WHERE id >= %s", log.ids[20])
    take_out(log.late)
    run(f"DELETE FROM {SEALS} WHERE seq = 3")
    verdict = verdict_of()
    assert tampering(verdict) == {}
    assert verdict.completeness == "not provable"
    assert "TAIL UNPROVED" in verdict.counted()


def test_a_truncated_tail_is_found_with_an_anchor(log, tmp_path):
    anchors = anchor_file(tmp_path / "anchors")
    run(f"DELETE FROM {ENTRIES} WHERE id >= %s", log.ids[20])
    take_out(log.late)
    run(f"DELETE FROM {SEALS} WHERE seq = 3")
    verdict = verdict_of(anchors=anchors)
    assert tampering(verdict) == {"TAIL TRUNCATED": [3]}
    assert verdict.completeness == "tampered"


def test_a_log_without_its_seals_is_found_with_an_anchor(log, tmp_path):
    anchors = anchor_file(tmp_path / "anchors")
    run(f"DELETE FROM {SEALS}")
    assert tampering(verdict_of(anchors=anchors)) == {"TAIL TRUNCATED": [1, 2, 3]}
