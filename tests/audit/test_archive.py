"""Archives of pruned entries: whole or absent, readable by their owner, and exact."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from bt_security.audit.retention import archive
from bt_security.audit.retention.records import is_signed, statement
from bt_security.audit.rows import as_json
from bt_security.audit.seals.signing import signer, trusted_keys
from bt_security.models import AuditRetention
from tests.audit.stored_rows import made_row

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "deep" / archive.file_name(1, 20)


@pytest.mark.parametrize(
    "text", ["{}", '{"id": true}', "[]", "no json", "\x00", '{"id": 9999999999999999999}']
)
def test_a_line_that_is_no_entry_is_refused(tmp_path, text):
    file = tmp_path / "archive.jsonl"
    file.write_text(f"{text}\n")
    with pytest.raises(ValueError, match=r"not a row|Expecting|has no id"):
        list(archive.read(file))


@pytest.mark.parametrize("entry_id", [None, True, "5"])
def test_an_entry_without_a_number_is_refused(tmp_path, entry_id):
    file = tmp_path / "archive.jsonl"
    file.write_text(as_json(made_row(), entry_id=entry_id) + "\n")
    with pytest.raises(ValueError, match="has no id"):
        list(archive.read(file))


def test_nothing_stands_under_the_name_of_an_archive_that_was_not_finished(file):
    def entries():
        yield 1, made_row()
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        archive.write(file, entries())
    assert list(file.parent.iterdir()) == []


def test_what_was_written_is_read_again(file):
    entries = [(3, made_row()), (9, made_row()), (5, made_row())]
    digest = archive.write(file, iter(entries))
    assert list(archive.read(file)) == entries
    assert digest == archive.digest_of(file) == hashlib.sha256(file.read_bytes()).hexdigest()


def test_only_the_owner_reads_it(file):
    archive.write(file, [])
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_what_a_killed_run_left_is_replaced(file):
    file.parent.mkdir()
    file.write_text("from before")
    file.with_suffix(".part").write_text("half a line")
    archive.write(file, [(1, made_row())])
    assert [entry_id for entry_id, _ in archive.read(file)] == [1]
    assert list(file.parent.iterdir()) == [file]


@pytest.fixture
def record():
    own = signer()
    made = AuditRetention(
        seq=1,
        first_seq=1,
        last_seq=7,
        last_id=1 << 40,
        count=99,
        head=b"h" * 32,
        archive_digest="ab" * 32,
        signing_key=own.key_id,
        pruned_at=datetime(2026, 5, 4, tzinfo=UTC),
    )
    made.signature = own.sign(statement(made))
    return made


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("seq", 2),
        ("first_seq", 2),
        ("last_seq", 8),
        ("last_id", 5),
        ("count", 98),
        ("head", b"H" * 32),
        ("head", b"h"),
        ("archive_digest", ""),
        ("archive_digest", "ab"),
        ("archive_digest", "no digest"),
        ("signing_key", "0" * 16),
        ("signing_key", ""),
        ("signature", bytes(64)),
        ("signature", b""),
        ("pruned_at", datetime(2026, 5, 5, tzinfo=UTC)),
    ],
)
def test_a_record_that_was_changed_is_not_signed(record, column, value):
    setattr(record, column, value)
    assert not is_signed(record, trusted_keys())


@pytest.mark.parametrize("digest", ["", "ab" * 32])
def test_a_record_is_signed_with_and_without_an_archive(record, digest):
    record.archive_digest = digest
    record.signature = signer().sign(statement(record))
    assert is_signed(record, trusted_keys())
    assert len(record.signature) == 64
