"""The log outlives the keys of the fields, and has nothing that rotation or a deletion reaches."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import models

from bt_security import audit, keys
from bt_security.audit import personal
from bt_security.audit.seals import sealing
from bt_security.audit.verification.verifying import Choice, verify
from bt_security.models import AuditEntry, AuditSubjectKey
from tests.audit._retain import protected
from tests.audit._verify import forget_keys

FIRST, SECOND = (f"operator-key-{word}-0123456789-abcdefghijklmnop" for word in ("one", "two"))


@pytest.fixture
def use_keys(monkeypatch, transactional_db):
    """Start again with these operator keys, as a new process would."""

    def use(key, previous=None):
        for name, value in (
            ("TOKEN_ENCRYPTION_KEY", key),
            ("TOKEN_ENCRYPTION_KEY_PREVIOUS", previous),
        ):
            monkeypatch.delenv(name, raising=False)
            if value:
                monkeypatch.setenv(name, value)
        keys.forget()
        personal.forget()

    forget_keys()
    yield use
    monkeypatch.undo()
    forget_keys()
    personal.forget()


@pytest.fixture
def log(use_keys, log):
    """The log, made after the keys of the test."""
    return log


def stored():
    return [
        [bytes(value) if isinstance(value, memoryview) else value for value in row]
        for row in AuditEntry.objects.order_by("id").values_list()
    ]


def verdict(tmp_path):
    found = verify(Choice(anchors=str(tmp_path / "anchors.jsonl")))
    return found.integrity, found.completeness


def test_an_entry_has_no_foreign_key_and_no_encrypted_column():
    fields = AuditEntry._meta.get_fields()
    assert [field.name for field in fields if field.is_relation] == []
    assert [field.name for field in fields if getattr(field, "is_sealed_column", False)] == []
    assert all(isinstance(field, models.Field) for field in fields)


def test_rotation_and_erasure_leave_a_protected_log_whole(use_keys, settings, tmp_path, log):
    settings.BT_SECURITY_AUDIT_ANCHOR_FILE = str(tmp_path / "anchors.jsonl")
    audit.register("test.done", help="For tests.")
    use_keys(FIRST)
    for subject in ("user:5", "user:6"):
        audit.record("test.done", subject=subject, personal={"email": f"{subject}@example.com"})
    sealing.seal()
    with protected():
        before = stored()
        secrets = set(AuditSubjectKey._base_manager.values_list("pk", flat=True))
        use_keys(SECOND, previous=FIRST)
        call_command("rotate_keys", yes=True, no_progress=True, verbosity=0)
        use_keys(SECOND)
        assert stored()[: len(before)] == before
        assert set(AuditSubjectKey._base_manager.values_list("pk", flat=True)) == secrets
        first, second = log(action="test.done")
        assert first.personal_data == {"email": "user:5@example.com"}
        sealing.seal()
        assert verdict(tmp_path) == ("clean", "clean")

        assert audit.erase("user:5")
        assert first.personal_data is None
        assert second.personal_data == {"email": "user:6@example.com"}
        sealing.seal()
        assert verdict(tmp_path) == ("clean", "clean")
