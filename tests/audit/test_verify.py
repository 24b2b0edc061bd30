"""What a verification says of a log that nobody changed, and what it cannot say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.exceptions import ImproperlyConfigured

from bt_security import keys
from bt_security.audit.seals import signing
from bt_security.audit.verification import workers as verify_workers
from bt_security.audit.verification.findings import Kind
from bt_security.audit.verification.rows import Reader
from bt_security.audit.verification.verifying import verify
from bt_security.exceptions import OpenRefused, SealingRefused
from bt_security.models import AuditEntry, AuditSeal, Setting
from bt_security.testing import fixed_key
from tests.audit._verify import (
    ENTRIES,
    SEALS,
    age,
    forget_keys,
    genuine,
    make_log,
    numbers,
    put,
    remade,
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

OPERATOR = "operator-key-of-the-verification-tests-0123456789"


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


@pytest.fixture
def database_key(audit_on, db):
    """A site without an operator key."""


@pytest.fixture
def key_files(tmp_path, settings):
    """A signing key of its own, with its public half."""
    own = signing.generate_key(tmp_path / "signing.pem")
    (tmp_path / "public.pem").write_text(own.public_pem())
    settings.BT_SECURITY_AUDIT_SIGNING_KEY_FILE = str(tmp_path / "signing.pem")
    return str(tmp_path / "public.pem")


def text_of(verdict, kind: Kind) -> str:
    (finding,) = [finding for finding in verdict.findings if finding.kind is kind]
    return finding.text


def test_a_derived_key_is_said_not_to_detect_a_compromised_application(log):
    verdict = verdict_of()
    assert verdict.integrity == "clean"
    assert "compromised application" in text_of(verdict, Kind.KEY_DERIVED)


def test_under_the_database_key_integrity_is_not_provable(database_key):
    make_log()
    verdict = verdict_of()
    assert tampering(verdict) == {"KEY IN DATABASE": []}
    assert verdict.integrity == "not provable"


def test_a_signing_key_of_its_own_proves_sealed_entries_under_the_database_key(
    database_key, key_files
):
    make_log()
    assert verdict_of().integrity == "clean"


def test_unsealed_entries_under_the_database_key_are_not_provable(database_key, key_files):
    make_log()
    write()
    verdict = verdict_of()
    assert tampering(verdict) == {"UNSEALED UNPROVED": []}
    assert verdict.integrity == "not provable"


@pytest.fixture
def published(audit_on, db, key_files):
    """A log that is verified with the public key and no other secret."""
    with fixed_key():
        made = make_log()
        yield made, key_files


def audited(public_key: str, **choice):
    """Verify where no key of the site is at hand."""
    with fixed_key(b"another site's key, which opens nothing here"):
        return verdict_of(public_key=public_key, **choice)


def test_with_the_public_key_alone_a_sealed_log_is_clean(published):
    _, public_key = published
    verdict = audited(public_key)
    assert tampering(verdict) == {"MAC UNCHECKED": []}
    assert verdict.integrity == "clean"


def test_with_the_public_key_alone_unsealed_entries_are_not_provable(published):
    _, public_key = published
    write()
    assert audited(public_key).integrity == "not provable"


def test_with_the_public_key_alone_changes_to_sealed_entries_are_named(published):
    log, public_key = published
    set_column(log.ids[2], reason="another")
    take_out(log.ids[5])
    found = tampering(audited(public_key))
    assert found == {"EDITED": [log.ids[2]], "DELETED": [log.ids[5]], "MAC UNCHECKED": []}


def test_with_the_public_key_alone_an_edit_with_a_new_hash_is_named(published):
    log, public_key = published
    set_column(log.ids[2], row_hash=bytes(32))
    set_column(log.ids[3], mac=bytes(32))
    found = tampering(audited(public_key))
    assert found == {"EDITED": [log.ids[2]], "REPLACED": [log.ids[3]], "MAC UNCHECKED": []}


def test_with_public_keys_nothing_is_recorded(published):
    _, public_key = published
    before = AuditEntry.objects.count()
    verdict_of(public_key=public_key)
    assert AuditEntry.objects.count() == before


def test_seals_of_another_public_key_do_not_count(published, tmp_path):
    other = signing.Signer(Ed25519PrivateKey.generate(), is_derived=False)
    (tmp_path / "other.pem").write_text(other.public_pem())
    assert tampering(audited(str(tmp_path / "other.pem")))["KEY UNKNOWN"] == [1, 2, 3]


def test_a_public_key_that_cannot_be_read_verifies_nothing(site):
    with pytest.raises(SealingRefused):
        verdict_of(public_key="/no/such/file")


def test_without_the_sites_own_key_nothing_is_verified(log):
    with fixed_key(b"another site's key, which opens nothing here"), pytest.raises(OpenRefused):
        verdict_of()


def test_a_missing_key_of_the_macs_is_not_made_by_verifying(site, key_files):
    Setting.vault.filter(name__startswith="_purpose/audit-mac/").delete()
    keys.forget()
    assert "MAC UNCHECKED" in verdict_of(public_key=key_files).counted()
    assert not Setting.vault.filter(name__startswith="_purpose/audit-mac/").exists()


def test_a_verification_is_recorded(log):
    set_column(log.ids[2], reason="another")
    verdict_of()
    entry = AuditEntry.objects.latest("id")
    assert entry.action == "audit.verified"
    assert '"EDITED":1' in entry.body


@pytest.mark.once
def test_a_verification_that_cannot_be_recorded_says_so(committed_log):
    run("PRAGMA query_only = 1")
    verdict = verdict_of()
    run("PRAGMA query_only = 0")
    assert not verdict.is_recorded
    assert verdict.integrity == "clean"


def test_a_log_without_entries_and_seals_is_not_provable_as_complete(site):
    AuditEntry.objects.all().delete()
    verdict = verdict_of()
    assert (verdict.integrity, verdict.completeness) == ("clean", "not provable")


def test_entries_that_are_not_sealed_yet_are_counted(log):
    write(3)
    verdict = verdict_of()
    assert verdict.unsealed == 3
    assert text_of(verdict, Kind.UNSEALED).startswith("3 entries are not sealed yet")


def test_entries_that_wait_for_three_intervals_say_that_sealing_has_stopped(log, settings):
    settings.BT_SECURITY_AUDIT_SEAL_INTERVAL_SECONDS = 0
    settings.BT_SECURITY_AUDIT_EMPTY_SEAL_INTERVAL_SECONDS = 1
    (fresh,) = write()
    row = take_out(fresh)
    put(fresh, genuine(row._replace(recorded_at=row.recorded_at - timedelta(seconds=60))))
    verdict = verdict_of()
    assert "SEALING STOPPED" in verdict.counted()
    assert verdict.completeness == "not provable"


def test_entries_of_older_seals_are_not_read_if_they_are_not_asked_for(log):
    earlier = AuditSeal.objects.get(seq=2).last_recorded_at - timedelta(days=1)
    rewrite(seal_1={"first_recorded_at": earlier, "last_recorded_at": earlier})
    set_column(log.ids[2], reason="another")
    verdict = verdict_of(since=earlier + timedelta(seconds=1))
    assert tampering(verdict) == {"NOT READ": [1]}
    assert (verdict.seals, verdict.entries) == (3, 20)


def test_seals_before_the_time_asked_for_are_still_judged(log):
    run(f"UPDATE {SEALS} SET root = previous_head WHERE seq = 1")
    found = tampering(verdict_of(since=datetime.now(UTC) + timedelta(days=1)))
    assert found == {"SEAL FORGED": [1], "NOT READ": [2, 3]}


def test_ids_that_were_issued_after_the_last_entry_are_a_hint(log):
    *_, last = write(3)
    run(f"DELETE FROM {ENTRIES} WHERE id >= %s", last - 2)
    verdict = verdict_of()
    (hint,) = [one for one in verdict.findings if one.kind is Kind.SEQUENCE_AHEAD]
    assert numbers(hint.entries) == [last - 2, last - 1, last]
    assert verdict.integrity == "clean"


def test_no_hint_is_given_where_the_last_id_is_that_of_an_entry(log):
    assert "SEQUENCE AHEAD" not in verdict_of().counted()


@pytest.mark.postgres
def test_a_table_without_its_sequence_gives_no_hint(log):
    run(f"ALTER TABLE {ENTRIES} ALTER COLUMN id DROP IDENTITY IF EXISTS")
    assert "SEQUENCE AHEAD" not in verdict_of().counted()


def test_a_seal_before_its_entries_says_that_the_clock_went_backwards(log):
    second = AuditSeal.objects.get(seq=2)
    rewrite(seal_2={"sealed_at": second.sealed_at - timedelta(hours=1)})
    verdict = verdict_of()
    (hint,) = [one for one in verdict.findings if one.kind is Kind.CLOCK_BACKWARDS]
    assert numbers(hint.seals) == [2]
    assert tampering(verdict) == {}


def test_many_pages_are_read_as_one(log, monkeypatch):
    monkeypatch.setattr(Reader.__init__, "__kwdefaults__", {"page_rows": 3})
    monkeypatch.setattr(verify_workers, "ENTRIES_PER_JOB", 10)
    set_column(log.ids[24], reason="another")
    verdict = verdict_of()
    assert tampering(verdict) == {"EDITED": [log.ids[24]]}
    assert verdict.entries == 30


def test_empty_seals_are_clean(log, settings):
    settings.BT_SECURITY_AUDIT_EMPTY_SEAL_INTERVAL_SECONDS = 1
    age()
    last = AuditSeal.objects.get(seq=3)
    rewrite(seal_3={"sealed_at": last.sealed_at - timedelta(days=1)})
    assert seal().count == 0
    assert tampering(verdict_of()) == {}


def test_what_is_sealed_as_late_meanwhile_is_neither_inserted_nor_unsealed(log):
    (fresh,) = write()
    put(log.gap, take_out(fresh))
    made = []

    def seal_once(rows: int) -> None:
        if not made:
            made.append(seal())

    verdict = verify(tick=seal_once)
    assert made[0].late == f"[[{log.gap},{log.gap}]]"
    assert tampering(verdict) == {}
    assert verdict.unsealed == 0


@pytest.fixture
def committed_log(audit_on, transactional_db, monkeypatch):
    """A log that other processes see, under an operator key that they have."""
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", OPERATOR)
    monkeypatch.setenv("BT_TEST_CHILD", "1")
    forget_keys()
    return make_log()


def test_workers_find_what_one_process_finds(committed_log, monkeypatch):
    monkeypatch.setattr(verify_workers, "ENTRIES_PER_JOB", 10)
    monkeypatch.setattr(verify_workers, "WAITING_PER_WORKER", 1)
    set_column(committed_log.ids[2], reason="another")
    take_out(committed_log.ids[12])
    remade(committed_log.ids[22], reason="another")
    expected = tampering(verdict_of())
    verdict = verdict_of(workers=2)
    assert tampering(verdict) == expected
    assert expected.keys() == {"EDITED", "DELETED", "REPLACED"}
    assert verdict.entries == 29


def test_workers_need_to_know_the_settings(log, monkeypatch):
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")
    with pytest.raises(ImproperlyConfigured):
        verdict_of(workers=2)


@pytest.mark.django_db(transaction=True)  # the new key comes by a connection of its own
def test_without_the_key_of_the_macs_integrity_is_not_provable(log):
    Setting.vault.filter(name__startswith="_purpose/audit-mac/").delete()
    keys.forget()
    verdict = verdict_of()
    assert "MAC KEY MISSING" in verdict.counted()
    assert verdict.integrity == "not provable"


def test_without_even_an_empty_seal_for_long_sealing_has_stopped(log, settings):
    settings.BT_SECURITY_AUDIT_SEAL_INTERVAL_SECONDS = 60
    newest = AuditSeal.objects.latest("seq")
    AuditEntry.objects.filter(pk__gt=newest.last_id).delete()
    rewrite(**{f"seal_{newest.seq}": {"sealed_at": newest.sealed_at - timedelta(days=1)}})
    assert "SEALING STOPPED" in verdict_of().counted()
    settings.BT_SECURITY_AUDIT_EMPTY_SEAL_INTERVAL_SECONDS = 0
    assert "SEALING STOPPED" not in verdict_of().counted()


def test_keys_that_still_open_by_the_database_key_prove_nothing(audit_on, db, monkeypatch):
    write(3)
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", OPERATOR)
    keys.forget()
    seal()
    assert "KEY IN DATABASE" in verdict_of().counted()
    monkeypatch.delenv("TOKEN_ENCRYPTION_KEY")
    keys.forget()
