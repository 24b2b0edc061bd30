"""What a seal says, what it waits for, and who may make one."""

from __future__ import annotations

import hashlib
import struct
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.db.models.signals import pre_save

from bt_security.audit.seals import merkle, sealing, signing
from bt_security.audit.seals.heads import GENESIS, head_of, statement
from bt_security.exceptions import SealingRefused
from bt_security.models import AuditEntry, AuditHour, AuditSeal
from tests.audit.stored_rows import MORNING, judge_log, put

pytestmark = pytest.mark.django_db

TRILLION = 10**12


@pytest.fixture(autouse=True)
def _no_empty_seals(settings):
    settings.BT_SECURITY_AUDIT_EMPTY_SEAL_INTERVAL_SECONDS = 0


def age_seals(seconds):
    """Put all seals back in time; heads are made anew, so that they stay sound."""
    for seal in AuditSeal.objects.order_by("seq"):
        seal.sealed_at -= timedelta(seconds=seconds)
        seal.head = head_of(seal)
        seal.save()


def leaf_of(entry_id):
    entry = AuditEntry.objects.get(pk=entry_id)
    return merkle.leaf(entry.id, bytes(entry.row_hash), bytes(entry.mac))


def test_a_host_with_public_keys_only_is_refused(settings, tmp_path):
    file = tmp_path / "public.pem"
    file.write_text(signing.generate_key(tmp_path / "key.pem").public_pem())
    settings.BT_SECURITY_AUDIT_PUBLIC_KEY_FILE = str(file)
    put(1)
    with pytest.raises(SealingRefused, match="never seals"):
        sealing.seal()
    assert not AuditSeal.objects.exists()


@pytest.mark.parametrize(
    "change", [{"count": 9}, {"root": b"short"}, {"signing_key": "no hex"}], ids=str
)
def test_nothing_is_sealed_after_a_seal_that_was_changed(change):
    put(1)
    sealing.seal()
    AuditSeal.objects.update(**change)
    put(2)
    with pytest.raises(SealingRefused, match="seal 1 was changed"):
        sealing.seal()


@pytest.fixture
def _host_refuses_seals():
    def refuse(**_):
        raise IntegrityError

    pre_save.connect(refuse, sender=AuditSeal)
    yield
    pre_save.disconnect(refuse, sender=AuditSeal)


@pytest.mark.usefixtures("_host_refuses_seals")
def test_an_error_that_is_no_lost_race_is_raised():
    put(1)
    with pytest.raises(IntegrityError):
        sealing.seal()


def test_a_log_without_entries_gets_no_seal():
    assert sealing.seal() == []


def test_what_is_sealed_is_not_sealed_again():
    put(1, 2)
    assert len(sealing.seal()) == 1
    assert sealing.seal() == []


def test_the_first_seal_covers_all_entries():
    put(1, 2, 3)
    (made,) = sealing.seal()
    leaves = [leaf_of(number) for number in (1, 2, 3)]
    stored = AuditSeal.objects.get()
    assert (stored.seq, stored.after_id, stored.last_id, stored.count) == (1, 0, 3, 3)
    assert (stored.gaps, stored.late) == ("[]", "[]")
    assert bytes(stored.root) == merkle.root(leaves)
    assert bytes(stored.leaf_tags) == b"".join(leaf[:4] for leaf in leaves)
    assert bytes(stored.previous_head) == GENESIS
    assert stored.first_recorded_at == MORNING
    assert stored.last_recorded_at == MORNING + timedelta(seconds=2)
    assert head_of(stored) == bytes(stored.head) == made.head


def test_a_seal_is_signed():
    put(1)
    (made,) = sealing.seal()
    assert signing.trusted_keys().is_signed(
        statement(made.head), key_id=made.signing_key, signature=made.signature
    )


def test_the_head_is_that_of_the_documented_format():
    put(1, 5)
    (made,) = sealing.seal()
    micro = [
        int(moment.timestamp()) * 10**6 + moment.microsecond
        for moment in (made.first_recorded_at, made.last_recorded_at, made.sealed_at)
    ]
    by_hand = (
        b"bt-audit-seal-1"
        + struct.pack(">qqqq", 1, 0, 5, 2)
        + hashlib.sha256(b"[[2,4]]").digest()
        + hashlib.sha256(b"[]").digest()
        + struct.pack(">qq", micro[0], micro[1])
        + made.root
        + hashlib.sha256(made.leaf_tags).digest()
        + bytes(32)
        + bytes.fromhex(made.signing_key)
        + struct.pack(">q", micro[2])
    )
    assert made.head == hashlib.sha256(by_hand).digest()
    assert statement(made.head) == b"bt-audit-head-1" + made.head


def test_seals_are_chained_and_numbered_without_gaps():
    for number in (1, 2, 3):
        put(number)
        sealing.seal()
    seals = list(AuditSeal.objects.order_by("seq"))
    assert [seal.seq for seal in seals] == [1, 2, 3]
    assert [seal.after_id for seal in seals] == [0, 1, 2]
    assert [bytes(seal.previous_head) for seal in seals[1:]] == [
        bytes(seal.head) for seal in seals[:-1]
    ]


def test_many_entries_are_sealed_in_batches():
    put(*range(1, 6))
    assert [seal.count for seal in sealing.seal(limit=2)] == [2, 2, 1]


def test_no_more_seals_are_made_than_asked_for():
    put(*range(1, 6))
    assert [seal.count for seal in sealing.seal(limit=2, at_most=1)] == [2]


def test_ids_that_are_not_there_are_gaps():
    put(2, 5, 6)
    (made,) = sealing.seal()
    assert made.gaps == "[[1,1],[3,4]]"


def test_a_jump_of_a_trillion_ids_costs_nothing():
    put(1, TRILLION)
    (made,) = sealing.seal()
    assert made.gaps == f"[[2,{TRILLION - 1}]]"
    put(TRILLION // 2)
    (second,) = sealing.seal()
    assert second.late == f"[[{TRILLION // 2},{TRILLION // 2}]]"


def test_what_appears_in_a_gap_is_late_in_the_next_seal():
    put(1, 5, 40)
    sealing.seal()
    put(3, 20, 41)
    (made,) = sealing.seal()
    assert (made.after_id, made.last_id, made.late) == (40, 41, "[[3,3],[20,20]]")
    assert made.root == merkle.root([leaf_of(number) for number in (3, 20, 41)])
    assert made.count == 3


def test_a_late_entry_alone_gets_a_seal():
    put(1, 3)
    sealing.seal()
    put(2)
    (made,) = sealing.seal()
    assert (made.after_id, made.last_id, made.late, made.count) == (3, 3, "[[2,2]]", 1)


def test_a_late_entry_is_sealed_once():
    put(1, 3)
    sealing.seal()
    put(2)
    sealing.seal()
    assert sealing.seal() == []


def test_what_appears_too_late_is_not_sealed(settings):
    settings.BT_SECURITY_AUDIT_LATE_SECONDS = 60
    put(1, 3)
    sealing.seal()
    age_seals(61)
    put(4)
    sealing.seal()
    put(2)
    assert sealing.seal() == []


def test_what_was_on_its_way_when_sealing_paused_is_late(settings):
    settings.BT_SECURITY_AUDIT_LATE_SECONDS = 60
    put(1, 3)
    sealing.seal()
    age_seals(24 * 3_600)
    put(2, 4)
    (made,) = sealing.seal()
    assert made.late == "[[2,2]]"


def test_gaps_are_sought_in_every_young_seal(monkeypatch):
    monkeypatch.setattr(sealing, "SEALS_PER_QUERY", 2)
    monkeypatch.setattr(sealing, "PAIRS_PER_QUERY", 1)
    put(2, 4, 6, 8, 10)
    sealing.seal(limit=1)
    put(1, 5, 9)
    (made,) = sealing.seal()
    assert made.late == "[[1,1],[5,5],[9,9]]"


def test_many_late_entries_are_sealed_in_batches():
    put(6, 100)
    sealing.seal()
    put(1, 2, 3, 50, 60)
    made = sealing.seal(limit=2)
    assert [seal.late for seal in made] == ["[[1,2]]", "[[3,3],[50,50]]", "[[60,60]]"]


def test_an_id_below_one_is_never_sealed():
    if connection.vendor == "mysql":
        put(-3, 1)
    else:
        put(-3, 0, 1)
    (made,) = sealing.seal()
    assert made.count == 1


def test_a_quiet_log_is_sealed_as_empty(settings):
    put(1)
    sealing.seal()
    settings.BT_SECURITY_AUDIT_EMPTY_SEAL_INTERVAL_SECONDS = 3_600
    assert sealing.seal() == []
    age_seals(3_601)
    (made,) = sealing.seal()
    assert (made.after_id, made.last_id, made.count, made.leaf_tags) == (1, 1, 0, b"")
    assert (made.first_recorded_at, made.last_recorded_at) == (None, None)
    assert made.root == hashlib.sha256(b"").digest()
    assert head_of(AuditSeal.objects.get(seq=2)) == made.head


def test_the_hours_count_what_is_sealed():
    put(1, 3)
    put(4, at=MORNING + timedelta(hours=1))
    sealing.seal()
    put(2)
    sealing.seal()
    hours = AuditHour.objects.order_by("hour").values_list("hour", "action", "count")
    nine = MORNING.replace(minute=0)
    assert list(hours) == [
        (nine, "test.done", 3),
        (nine + timedelta(hours=1), "test.done", 1),
    ]


def test_sealing_writes_nothing_to_the_entries():
    put(1, 2)
    before = list(AuditEntry.objects.order_by("id").values())
    sealing.seal()
    assert list(AuditEntry.objects.order_by("id").values()) == before


def test_a_process_that_was_overtaken_reads_again():
    put(1, 3)
    slow = sealing.seals(limit=1)
    first = next(slow)
    (second,) = sealing.seal(limit=1)
    put(2, 4)
    third = next(slow)
    assert [seal.seq for seal in (first, second, third)] == [1, 2, 3]
    assert third.previous_head == second.head
    assert (third.late, third.after_id, third.last_id) == ("[[2,2]]", 3, 4)


@pytest.mark.django_db(transaction=True)
def test_several_processes_seal_each_entry_once():
    put(*range(1, 61))

    def seal():
        try:
            sealing.seal(limit=2)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(seal) for _ in range(4)]:
            done.result(timeout=60)
    judge_log()


def test_what_is_recorded_while_sealing_waits_for_the_next_run():
    put(1)
    run = sealing.seals()
    next(run)
    put(2)
    assert list(run) == []
    assert [seal.count for seal in sealing.seal()] == [1]


def test_full_batches_go_on_until_one_is_not_full():
    put(1, 2, 3)
    assert [seal.count for seal in sealing.seals(limit=2)] == [2, 1]
