"""Eight writers while the log is sealed: nothing false is found, and each change is named."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import transaction

from bt_security.audit.seals import sealing
from bt_security.audit.seals.ranges import Ranges
from bt_security.audit.seals.signing import Signer, signer
from bt_security.keys import purpose_keys
from bt_security.models import AuditEntry, AuditRetention, AuditSeal
from bt_security.testing import fixed_key
from tests.audit._verify import (
    ENTRIES,
    PURPOSES,
    anchor_file,
    forget_keys,
    numbers,
    put,
    remade,
    rewrite,
    run,
    set_column,
    stored,
    take_out,
    tampering,
    verdict_of,
    without_keys,
)
from tests.source_tree import ROOT

pytestmark = [pytest.mark.heavy, pytest.mark.postgres]

WRITERS = 8
IS_FULL = os.environ.get("BT_TEST_SCALE") == "full"
COUNT = 50_000 if IS_FULL else 2_000
LATE_ENTRIES = 100 if IS_FULL else 5
OPERATOR = "operator-key-of-the-verification-tests-0123456789"


@pytest.fixture(autouse=True)
def _own_keys(django_db_setup, django_db_blocker):
    with without_keys(django_db_blocker):
        yield


@pytest.fixture
def environment(audit_on, transactional_db, monkeypatch, child_environment):
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", OPERATOR)
    forget_keys()
    for purpose in PURPOSES:
        purpose_keys(purpose)
    AuditEntry.objects.all().delete()
    return child_environment | {"TOKEN_ENCRYPTION_KEY": OPERATOR}


def written_and_sealed(environment) -> None:
    """Let the writers write, and seal until they are done."""
    share = COUNT // WRITERS
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.audit.writer", str(share), str(seed)],
            cwd=ROOT,
            env=environment,
        )
        for seed in range(WRITERS)
    ]
    try:
        while any(writer.poll() is None for writer in writers):
            sealing.seal()
    finally:
        for writer in writers:
            writer.kill()
    assert [writer.wait() for writer in writers] == [0] * WRITERS
    sealing.seal()


class Changed:
    """The entries that a change is about; `two` follow each other in one seal."""

    def __init__(self):
        entries = AuditEntry.objects.order_by("id").values_list("id", flat=True)
        self.one = entries[COUNT // 3]
        self.other = entries[COUNT // 2]
        gaps = Ranges.from_pairs(
            pair
            for text in AuditSeal.objects.values_list("gaps", flat=True)
            for pair in Ranges.parse(text)
        )
        free = gaps.minus(Ranges.from_ids(entries))
        self.gap = free.pairs[len(free.pairs) // 2][0]


def edit(at):
    set_column(at.one, body='{"writer":99}')
    return {"EDITED": [at.one]}


def delete(at):
    take_out(at.one)
    return {"DELETED": [at.one]}


def copy(at):
    put(at.gap, stored(at.one)._replace(uid=uuid4()))
    return {"EDITED": [at.gap]}


def swap(at):
    for old, new in ((at.one, -1), (at.other, at.one), (-1, at.other)):
        run(f"UPDATE {ENTRIES} SET id = %s WHERE id = %s", new, old)
    return {"REPLACED": sorted([at.one, at.other])}


def re_date(at):
    set_column(at.one, recorded_at=stored(at.one).recorded_at - timedelta(days=1))
    return {"EDITED": [at.one]}


def forge_retention(at):
    first = AuditSeal.objects.get(seq=1)
    AuditRetention.objects.create(
        seq=1,
        first_seq=1,
        last_seq=1,
        last_id=first.last_id,
        count=first.count,
        head=first.head,
        signing_key=first.signing_key,
        signature=bytes(first.signature),
        pruned_at=first.sealed_at,
    )
    sealed = range(first.after_id + 1, first.last_id + 1)
    gone = sorted(set(sealed) - set(numbers(Ranges.parse(first.gaps))))
    run(f"DELETE FROM {ENTRIES} WHERE id <= %s AND id = ANY(%s)", first.last_id, gone)
    return {"RETENTION FORGED": [], "DELETED": gone}


def sign_anew(at):
    take_out(at.one)
    rewrite(Signer(Ed25519PrivateKey.generate(), is_derived=False))
    return {"KEY UNKNOWN": list(range(1, AuditSeal.objects.count() + 1))}


def mac_anew(at):
    remade(at.one, reason="another")
    return {"REPLACED": [at.one]}


CHANGES = (edit, delete, copy, swap, re_date, forge_retention, sign_anew, mac_anew)
SEEN_BY_AUDITORS = {"MAC UNCHECKED", "UNSEALED UNPROVED"}


def found_in_a_copy(change, **choice):
    """Change the log, look at it, and take the change back."""
    with transaction.atomic():
        expected = change(Changed())
        with choice.pop("keys", transaction.atomic()):
            found = tampering(verdict_of(**choice))
        transaction.set_rollback(True)
    return found, expected


def test_a_log_that_eight_processes_wrote_is_judged_exactly(environment, tmp_path):
    written_and_sealed(environment)
    late = [Ranges.parse(text).count() for text in AuditSeal.objects.values_list("late", flat=True)]
    ids = list(AuditEntry.objects.order_by("id").values_list("id", flat=True))
    rolled_back = 1 - len(ids) / (ids[-1] - ids[0] + 1)
    assert sum(late) >= LATE_ENTRIES
    assert rolled_back >= 0.05
    clean = verdict_of(anchors=anchor_file(tmp_path / "anchors"))
    assert tampering(clean) == {}
    assert clean.is_clean
    assert clean.entries == COUNT
    for change in CHANGES:
        found, expected = found_in_a_copy(change)
        assert found == expected, change.__name__
    public_key = tmp_path / "public.pem"
    public_key.write_text(signer().public_pem())
    for change in CHANGES:
        other_site = fixed_key(b"another site's key, which opens nothing here")
        found, expected = found_in_a_copy(change, public_key=str(public_key), keys=other_site)
        assert found.keys() - SEEN_BY_AUDITORS == expected.keys(), change.__name__
        assert {kind: found[kind] for kind in expected} == expected, change.__name__
