"""Entries that were pruned on purpose are not missing; a record that nobody signed excuses none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bt_security.audit.retention import archive
from bt_security.audit.retention.pruning import prune
from bt_security.audit.retention.records import statement
from bt_security.audit.seals.signing import signer, trusted_keys
from bt_security.audit.verification.findings import Found
from bt_security.audit.verification.retention import RetentionCheck
from bt_security.audit.verification.verifying import ignore
from bt_security.audit.verification.workers import Work
from bt_security.models import AuditEntry, AuditRetention, AuditSeal
from bt_security.testing import fixed_key
from tests.audit._verify import (
    ENTRIES,
    SEALS,
    make_log,
    rewrite,
    run,
    set_column,
    take_out,
    tampering,
    verdict_of,
    without_keys,
)

RETENTION = AuditRetention._meta.db_table


@pytest.fixture(autouse=True)
def _own_keys(django_db_setup, django_db_blocker):
    with without_keys(django_db_blocker):
        yield


@pytest.fixture
def log(audit_on, db):
    with fixed_key():
        yield make_log()


@pytest.fixture
def pruned(log, tmp_path):
    """The entries of the first two seals are gone, and in an archive."""
    cut = AuditSeal.objects.get(seq=2).last_recorded_at
    before = AuditSeal.objects.get(seq=3)
    entries = AuditEntry.objects.filter(id__gt=before.after_id, recorded_at__gt=cut)
    prune(before=entries.order_by("id").first().recorded_at, directory=tmp_path)
    return log


@pytest.fixture
def archive_file(pruned, tmp_path):
    return tmp_path / archive.file_name(1, 2)


def test_entries_under_a_forged_record_are_deleted(pruned):
    run(f"UPDATE {RETENTION} SET signature = head")
    gone = [entry_id for entry_id in pruned.ids if entry_id < pruned.gap] + [pruned.late + 1]
    found = tampering(verdict_of())
    assert found == {"RETENTION FORGED": [], "DELETED": gone}


@pytest.mark.parametrize("column", ["last_seq", "last_id", "first_seq", "seq"])
def test_a_record_that_was_changed_is_forged(pruned, column):
    run(f"UPDATE {RETENTION} SET {column} = {column} + 1")
    assert tampering(verdict_of()).keys() == {"RETENTION FORGED", "DELETED"}


@pytest.mark.once
def test_a_record_with_a_value_of_another_type_is_forged(pruned):
    run(f"UPDATE {RETENTION} SET signature = 'text'")
    assert tampering(verdict_of()).keys() == {"RETENTION FORGED", "DELETED"}


def test_a_record_that_somebody_made_is_forged(log):
    record = AuditRetention(
        seq=1,
        first_seq=1,
        last_seq=1,
        last_id=log.ids[9],
        count=10,
        head=AuditSeal.objects.get(seq=1).head,
        signing_key=AuditSeal.objects.get(seq=1).signing_key,
        signature=bytes(64),
        pruned_at=datetime.now(UTC),
    )
    record.save()
    run(f"DELETE FROM {ENTRIES} WHERE id <= %s", log.ids[9])
    assert tampering(verdict_of()) == {"RETENTION FORGED": [], "DELETED": log.ids[:10]}


def test_pruned_entries_are_not_missing(pruned):
    verdict = verdict_of()
    assert tampering(verdict) == {"PRUNED": [1, 2]}
    assert verdict.integrity == "clean"


def test_entries_after_the_pruned_ones_are_still_missed(pruned):
    take_out(pruned.ids[20])
    assert tampering(verdict_of()) == {"PRUNED": [1, 2], "DELETED": [pruned.ids[20]]}


def test_a_late_entry_of_a_later_seal_outlives_the_pruning(pruned):
    assert AuditEntry.objects.filter(id=pruned.late).exists()


def test_what_a_killed_run_has_left_is_still_judged(log):
    kept = list(AuditEntry.objects.filter(id__in=log.ids[:2]).values())
    cut = AuditEntry.objects.get(id=log.ids[11]).recorded_at
    prune(before=cut)
    AuditEntry.objects.bulk_create(AuditEntry(**columns) for columns in kept)
    assert tampering(verdict_of()) == {"PRUNED": [1]}
    set_column(log.ids[0], reason="another")
    assert tampering(verdict_of()) == {"PRUNED": [1], "EDITED": [log.ids[0]]}


def test_a_record_stands_for_seals_that_are_gone(pruned):
    run(f"DELETE FROM {SEALS}")
    assert tampering(verdict_of())["SEAL MISSING"] == [1, 2]


def test_a_record_stands_for_the_seals_as_they_were(pruned):
    rewrite(seal_1={"last_recorded_at": None})
    assert tampering(verdict_of())["HISTORY REWRITTEN"] == [2]


def test_entries_that_are_pruned_meanwhile_are_not_missing(log):
    trusted, found = trusted_keys(), Found()
    check = RetentionCheck("default", trusted, found)
    cut = AuditEntry.objects.get(id=log.ids[11]).recorded_at
    runs = []

    def pruned():
        known = check.pruned()
        if not runs:
            runs.append(prune(before=cut))  # right after it was asked for
        return known

    work = Work("default", pruned=pruned, tick=ignore)
    work.do([list(AuditSeal.objects.order_by("seq"))])
    assert work.part.found.findings() == []
    assert work.part.entries == 20


def test_an_archive_that_was_changed_is_named(pruned, archive_file):
    archive_file.write_text(archive_file.read_text().replace('"reason":""', '"reason":"x"', 1))
    found = tampering(verdict_of(archive=str(archive_file.parent)))
    assert found == {"PRUNED": [1, 2], "ARCHIVE MISMATCH": [1, 2]}


def test_an_archive_that_is_not_there_is_named(pruned, archive_file):
    archive_file.unlink()
    verdict = verdict_of(archive=str(archive_file.parent))
    assert tampering(verdict) == {"PRUNED": [1, 2], "ARCHIVE MISSING": [1, 2]}
    assert verdict.completeness == "not provable"


def rewritten(file, lines) -> None:
    """Put an archive together anew and have its digest signed, as the site's own key could."""
    file.write_text("".join(lines))
    record = AuditRetention.objects.get()
    record.archive_digest = archive.digest_of(file)
    record.signature = signer().sign(statement(record))
    record.save()


def test_entries_that_an_archive_lacks_are_named(pruned, archive_file):
    lines = archive_file.read_text().splitlines(keepends=True)
    rewritten(archive_file, [*lines[:3], *lines[4:]])
    found = tampering(verdict_of(archive=str(archive_file.parent)))
    assert found == {"PRUNED": [1, 2], "ARCHIVE MISMATCH": [pruned.ids[3]]}


@pytest.mark.parametrize("line", ["no entry\n", '{"id":1}\n'])
def test_what_an_archive_has_besides_is_named(pruned, archive_file, line):
    lines = archive_file.read_text().splitlines(keepends=True)
    rewritten(archive_file, [*lines, line])
    found = tampering(verdict_of(archive=str(archive_file.parent)))
    assert found == {"PRUNED": [1, 2], "ARCHIVE MISMATCH": [1, 2]}


@pytest.mark.parametrize("seq", [1, 2])
def test_an_archive_is_not_compared_with_a_forged_seal(pruned, archive_file, seq):
    run(f"UPDATE {SEALS} SET gaps = '[[1,2]]' WHERE seq = %s", seq)
    found = tampering(verdict_of(archive=str(archive_file.parent)))
    assert found == {"PRUNED": [1, 2], "SEAL FORGED": [seq]}


def test_an_archive_as_it_was_written_is_clean(pruned, archive_file):
    verdict = verdict_of(archive=str(archive_file.parent))
    assert tampering(verdict) == {"PRUNED": [1, 2]}
    assert verdict.archived == 20


def test_a_record_without_an_archive_needs_none(log, tmp_path):
    prune(before=AuditEntry.objects.get(id=log.ids[11]).recorded_at)
    assert tampering(verdict_of(archive=str(tmp_path))) == {"PRUNED": [1]}
