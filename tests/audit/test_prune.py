"""Pruning: whole seals, signed before anything goes, and never an entry that no seal has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured

from bt_security import audit
from bt_security.audit.retention import archive
from bt_security.audit.retention.pruning import _draft, _store, look, prune
from bt_security.audit.retention.records import is_signed
from bt_security.audit.seals.heads import head_of, statement
from bt_security.audit.seals.signing import generate_key, signer, trusted_keys
from bt_security.exceptions import AuditUnavailable, PruningRefused
from bt_security.models import AuditEntry, AuditRetention, AuditSeal, AuditSubjectKey
from tests.audit._retain import (
    ENTRY,
    EVENING,
    RETENTION,
    SEAL,
    ids,
    left,
    now,
    protected,
    run,
    sealed,
    start_clean,
)
from tests.audit.stored_rows import put

HUGE = 10**12


@pytest.fixture
def clean(log):
    start_clean()


@pytest.fixture
def three(clean):
    """Three seals of that morning, and nothing unsealed."""
    return sealed(1, 2, 3), sealed(4, 5, 6), sealed(7, 8, 9)


def refusal(**options):
    """Return why nothing is pruned, and make sure that nothing was."""
    before = ids(), AuditRetention.objects.count()
    with pytest.raises(PruningRefused) as caught:
        prune(**{"before": EVENING, **options})
    assert (ids(), AuditRetention.objects.count()) == before
    return str(caught.value)


def remake(made, **columns):
    """Sign a seal again with other columns, as whoever has the key could."""
    for name, value in columns.items():
        setattr(made, name, value)
    made.head = head_of(made)
    made.signature = signer().sign(statement(made.head))
    made.save()


@pytest.mark.once
def test_a_time_in_the_future_is_refused(three):
    with pytest.raises(ValueError, match="future"):
        prune(before=datetime.now(UTC) + timedelta(minutes=1))


@pytest.mark.once
def test_a_host_with_public_keys_only_prunes_nothing(three, settings, tmp_path):
    file = tmp_path / "public.pem"
    file.write_text(signer().public_pem())
    settings.BT_SECURITY_AUDIT_PUBLIC_KEY_FILE = str(file)
    assert "public keys only" in refusal()


@pytest.mark.parametrize(
    "change",
    ["count = 2", "gaps = 'x'", "gaps = '[[2,2]]'", "last_id = 5", "signing_key = 'zz'"],
)
def test_a_seal_that_was_changed_stops_everything(three, change):
    run(f"UPDATE {SEAL} SET {change} WHERE seq = 2")
    assert "seal 2 is not as it was made" in refusal()


def test_a_seal_of_another_key_stops_everything(three, settings, tmp_path):
    generate_key(tmp_path / "other.pem")
    settings.BT_SECURITY_AUDIT_SIGNING_KEY_FILE = str(tmp_path / "other.pem")
    assert "seal 1 is not as it was made" in refusal()


def test_a_seal_that_contradicts_itself_stops_everything(three):
    remake(AuditSeal.objects.get(seq=2), count=2)
    assert "seal 2 is not as it was made" in refusal()


def test_a_seal_that_is_gone_stops_everything(three):
    run(f"DELETE FROM {SEAL} WHERE seq = 2")
    assert "seal 2 is not as it was made" in refusal()


def test_a_record_that_nobody_signed_is_not_carried_out(three):
    prune(before=EVENING)
    put(4, 5)
    run(f"UPDATE {RETENTION} SET last_id = last_id + 1")
    assert "retention record 1 is not what was signed" in refusal()


def test_a_record_whose_last_seal_is_another_is_not_carried_out(three):
    prune(before=EVENING)
    put(4, 5)
    remake(AuditSeal.objects.get(seq=3), sealed_at=EVENING)
    assert "the seals of retention record 1 are others" in refusal()


def test_the_seal_before_the_first_must_be_there(three):
    prune(before=EVENING)
    sealed(100, 101)
    run(f"DELETE FROM {SEAL} WHERE seq = 3")
    assert "seal 3 is not as it was made" in refusal()


def test_entries_that_are_gone_already_are_not_signed_away(three):
    run(f"DELETE FROM {ENTRY} WHERE id IN (2, 8)")
    assert "2 sealed entries are missing already" in refusal()
    run(f"UPDATE {ENTRY} SET id = 2 WHERE id = 3")
    assert "2 sealed entries are missing already" in refusal()


def test_entries_that_are_gone_can_be_accepted_and_are_counted(three, log, tmp_path):
    run(f"DELETE FROM {ENTRY} WHERE id IN (2, 8)")
    pruned = prune(before=EVENING, accept_missing=True, directory=tmp_path)
    assert (pruned.deleted, pruned.record.count) == (7, 9)
    assert log.only(action="audit.pruned").body["missing"] == 2
    assert [entry_id for entry_id, _ in archive.read(pruned.archive)] == [1, 3, 4, 5, 6, 7, 9]


@pytest.mark.parametrize("change", ["body = '[]'", "mac = row_hash", "mac_generation = -7"])
def test_an_entry_that_was_changed_is_not_archived_and_not_deleted(three, tmp_path, change):
    run(f"UPDATE {ENTRY} SET {change} WHERE id = 5")
    assert "changed: run verify_audit_log" in refusal(directory=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.once
def test_a_full_disk_costs_no_entry(three, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        prune(before=EVENING, directory=tmp_path / "file")
    assert left() == list(range(1, 10))
    assert not AuditRetention.objects.exists()


def test_what_cannot_be_recorded_is_not_pruned(three, user, transactional_db):
    """The record and the entry stand or fall together."""
    keys = AuditSubjectKey._meta.db_table
    run(f"ALTER TABLE {keys} RENAME TO elsewhere")
    try:
        with audit.actor(user), pytest.raises(AuditUnavailable):
            prune(before=EVENING)
    finally:
        run(f"ALTER TABLE elsewhere RENAME TO {keys}")
    assert left() == list(range(1, 10))
    assert not AuditRetention.objects.exists()


def test_only_one_of_two_runs_prunes(three):
    """The other one signs its record while this one is about to."""
    own, outlook = signer(), look(EVENING)
    options = {"before": EVENING, "missing": 0}
    _store("default", _draft("default", outlook, own), own, **options)
    with pytest.raises(PruningRefused, match="another process"):
        _store("default", _draft("default", outlook, own), own, **options)
    assert left() == list(range(1, 10))


def test_old_seals_are_pruned_and_the_younger_stay(clean):
    sealed(1, 2, 3)
    sealed(4, 5, at=EVENING)
    sealed(6, 7)
    pruned = prune(before=EVENING)
    assert (pruned.deleted, pruned.record.first_seq, pruned.record.last_seq) == (3, 1, 1)
    assert left() == [4, 5, 6, 7]
    assert AuditSeal.objects.count() == 3


def test_a_seal_with_one_young_entry_stays_whole(clean):
    put(1, 2)
    sealed(3, at=EVENING)
    assert prune(before=EVENING).record is None
    assert left() == [1, 2, 3]


def test_an_empty_seal_is_as_old_as_itself(clean):
    sealed(1, 2)
    first = AuditSeal.objects.get()
    empty = AuditSeal(seq=2, after_id=2, last_id=2, count=0, gaps="[]", late="[]", root=first.root)
    empty.previous_head, empty.signing_key = first.head, first.signing_key
    remake(empty, sealed_at=EVENING)
    assert len(look(EVENING).run.seals) == 1
    assert len(look(EVENING + timedelta(seconds=1)).run.seals) == 2


def test_the_records_are_signed_and_dense(three):
    first = prune(before=EVENING).record
    sealed(100, 101)
    second = prune(before=now()).record
    newest = AuditSeal.objects.get(seq=4)
    assert [first.seq, first.first_seq, first.last_seq, first.last_id] == [1, 1, 3, 9]
    assert [second.seq, second.first_seq, second.last_seq] == [2, 4, 4]
    assert (second.last_id, bytes(second.head)) == (newest.last_id, bytes(newest.head))
    assert all(is_signed(one, trusted_keys()) for one in AuditRetention.objects.all())


@pytest.mark.feature("TK-56")
def test_pruning_is_recorded_once(three, log):
    """Nothing is deleted by itself: a command prunes, and its run is an entry."""
    prune(before=EVENING)
    prune(before=EVENING)
    body = log.only(action="audit.pruned").body
    assert (body["seals"], body["count"], body["last_id"]) == ([1, 3], 9, 9)
    assert body["before"] == EVENING.isoformat()


def test_unsealed_entries_stay(three):
    put(10, 11)
    prune(before=EVENING)
    assert left() == [10, 11]


def test_what_appears_in_a_gap_stays_until_a_seal_has_it(clean):
    """Entry 2 was still being written when 1 and 3 were sealed; 5 never appears."""
    sealed(1, 3, 4, 6)
    put(2)
    assert prune(before=EVENING).deleted == 4
    assert left() == [2]
    sealed(100)
    assert left() == [2, 100]
    prune(before=now())
    assert left() == []


def test_a_late_entry_goes_with_the_seal_that_has_it(clean):
    sealed(1, 3)
    put(2)
    sealed(4)
    sealed(6, at=EVENING)
    put(5, at=EVENING)
    assert look(EVENING).run.count == 4
    assert prune(before=EVENING).deleted == 4
    assert left() == [5, 6]


def test_a_jump_of_a_trillion_ids_costs_nothing(clean):
    sealed(1, HUGE, HUGE + 1, 3 * HUGE)
    put(2, HUGE - 1, 2 * HUGE)
    assert prune(before=EVENING, batch_rows=2).deleted == 4
    assert left() == [2, HUGE - 1, 2 * HUGE]


def test_many_holes_are_asked_for_in_several_queries(clean, monkeypatch):
    """Each second id was rolled back, as on a cluster that gives out every second one."""
    monkeypatch.setattr("bt_security.audit.retention.prune_range.IDS_PER_QUERY", 500)
    sealed(*range(1, 2_400, 2))
    put(2, 1_500, 2_398)
    assert look(EVENING).missing == 0
    assert prune(before=EVENING).deleted == 1_200
    assert left() == [2, 1_500, 2_398]


@pytest.mark.parametrize("batch_rows", [1, 2, 3, 100])
def test_batches_add_up(clean, batch_rows):
    sealed(1, 2, 5, 6, 7)
    sealed(9, 10, 5_000, 5_001, 5_002)
    put(3, 8, 77)
    batches = []
    pruned = prune(before=EVENING, batch_rows=batch_rows, tick=batches.append)
    assert pruned.deleted == sum(batches) == 10
    assert max(batches) <= batch_rows + 1
    assert left() == [3, 8, 77]


def test_batches_of_entries_that_are_far_apart_are_full(clean):
    sealed(*range(5, 505, 5))
    put(7, 444)
    batches = []
    assert prune(before=EVENING, batch_rows=30, tick=batches.append).deleted == 100
    assert batches[0] >= 29
    assert len(batches) == 4
    assert left() == [7, 444]


def test_a_statement_lists_a_bounded_number_of_ids(clean, monkeypatch):
    monkeypatch.setattr("bt_security.audit.retention.prune_rows.MAX_LISTED_IDS", 1_005)
    numbers = range(1, 90, 3)
    sealed(*numbers)
    put(2, 50, 51)
    batches = []
    assert prune(before=EVENING, tick=batches.append).deleted == 30
    assert len(batches) > 5
    assert left() == [2, 50, 51]


def test_a_protected_log_is_pruned_and_stays_protected(three, transactional_db):
    with protected():
        sealed(20, 21)
        assert prune(before=EVENING).deleted == 9
        assert left() == [20, 21]


def test_what_a_killed_run_left_is_deleted_by_the_next(three):
    prune(before=EVENING)
    put(4, 5)
    pruned = prune(before=EVENING)
    assert (pruned.record, pruned.finished, left()) == (None, 2, [])


def test_what_came_under_hold_meanwhile_is_not_finished(three, settings):
    prune(before=EVENING)
    put(4, 5)
    settings.BT_SECURITY_AUDIT_LEGAL_HOLDS = ["actor:5"]
    assert "seal 2 is under legal hold since" in refusal()


@pytest.mark.once
def test_a_malformed_hold_prunes_nothing(three, settings):
    settings.BT_SECURITY_AUDIT_LEGAL_HOLDS = ["everything"]
    with pytest.raises(ImproperlyConfigured):
        prune(before=EVENING)
    assert left() == list(range(1, 10))


def test_the_archive_has_what_was_deleted(clean, tmp_path):
    sealed(1, 3)
    put(2)
    sealed(5, 6)
    rows = dict(zip([1, 2, 3, 5, 6], AuditEntry.objects.order_by("id"), strict=True))
    pruned = prune(before=EVENING, directory=tmp_path)
    found = list(archive.read(pruned.archive))
    assert [entry_id for entry_id, _ in found] == [1, 3, 2, 5, 6]
    assert all(bytes(rows[entry_id].mac) == row.mac for entry_id, row in found)
    assert pruned.record.archive_digest == archive.digest_of(pruned.archive)
    assert pruned.archive.name == "audit-seals-0000000001-0000000002.jsonl"
