"""Erasing a person: the data cannot be read, and no hash, MAC or seal notices."""

from __future__ import annotations

import os
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from bt_security import audit
from bt_security.audit.canonical import clean_text
from bt_security.audit.personal import anonymous_subject
from bt_security.audit.recording import is_genuine
from bt_security.audit.retention import protecting
from bt_security.audit.retention.erasing import erase
from bt_security.audit.rows import COLUMNS, Row
from bt_security.exceptions import AuditUnavailable, ErasureRefused
from bt_security.models import AuditEntry, AuditSubjectKey
from tests.audit._retain import protected, run
from tests.audit.conftest import make_user

SAID = {"note": "said by Mary"}


def rows():
    return [Row(*values) for values in AuditEntry.objects.order_by("id").values_list(*COLUMNS)]


@pytest.mark.parametrize(
    "subject", ["", "5", "user:", "tenant:5", "anonymous:2026", "anonymous:2026-13", "User:5"]
)
def test_what_is_no_subject_is_refused(log, subject):
    with pytest.raises(ValueError, match="no subject"):
        erase(subject)


@pytest.mark.parametrize("kind", ["actor", "testapp.account"])
def test_a_user_under_a_legal_hold_is_not_erased(log, settings, user, kind):
    audit.record("audit.read", actor=user, personal=SAID)
    settings.BT_SECURITY_AUDIT_LEGAL_HOLDS = [f"{kind}:{user.pk}"]
    with pytest.raises(ErasureRefused):
        erase(user)
    assert log.only(action="audit.read").personal_data["note"] == "said by Mary"


def test_what_cannot_be_recorded_is_not_erased(log, user, transactional_db):
    audit.record("audit.read", actor=user, personal=SAID)
    table = AuditEntry._meta.db_table
    run(f"ALTER TABLE {table} RENAME TO elsewhere")
    try:
        with pytest.raises(AuditUnavailable):
            erase(user)
    finally:
        run(f"ALTER TABLE elsewhere RENAME TO {table}")
    assert log.only(action="audit.read").personal_data["note"] == "said by Mary"


def test_an_erased_person_cannot_be_read_and_others_can(log, user):
    other = make_user("eve")
    audit.record("audit.read", actor=user, personal=SAID)
    audit.record("audit.sealed", actor=other, personal=SAID)
    before = rows()
    assert erase(user) is True
    assert log.only(action="audit.read").personal_data is None
    assert log.only(action="audit.sealed").personal_data["note"] == "said by Mary"
    assert rows()[: len(before)] == before
    assert all(is_genuine(row) for row in rows())


def test_an_erasure_is_recorded(log, user):
    audit.record("audit.read", actor=user, personal=SAID)
    erase(f"user:{user.pk}")
    entry = log.only(action="audit.erased")
    assert (entry.target_kind, entry.target_id) == ("testapp.account", str(user.pk))
    assert entry.body == {"subject": f"user:{user.pk}"}


def test_who_was_never_recorded_has_nothing_to_erase(log):
    assert erase("user:404") is False


def test_people_may_erase_themselves(log, user, transactional_db):
    """The entry that says so has no readable data of them either, and nor has the next one."""
    with audit.actor(user):
        audit.record("audit.read", personal=SAID)
        assert erase(user) is True
        assert log.only(action="audit.erased").personal_data is None
        audit.record("audit.sealed", personal=SAID)
    assert log.only(action="audit.sealed").personal_data["note"] == "said by Mary"


def test_an_erasure_that_is_rolled_back_did_not_happen(log, user, transactional_db):
    audit.record("audit.read", actor=user, personal=SAID)
    with transaction.atomic():
        erase(user)
        transaction.set_rollback(True)
    assert log.only(action="audit.read").personal_data["note"] == "said by Mary"


def test_visitors_of_a_month_are_erased_together(log):
    audit.record("audit.read", personal=SAID)
    assert erase(anonymous_subject()) is True
    assert log.only(action="audit.read").personal_data is None


def test_a_subject_with_a_long_id_is_found(log):
    long = f"user:{'7' * 300}"
    audit.record("audit.read", subject=long, personal=SAID)
    assert AuditSubjectKey.objects.filter(subject=clean_text(long, max_chars=100)).exists()
    assert erase(long) is True


def test_a_protected_log_takes_an_erasure(log, user, transactional_db):
    audit.record("audit.read", actor=user, personal=SAID)
    with protected():
        assert erase(user) is True
        assert protecting.status().is_whole


@pytest.mark.once
def test_without_the_feature_the_data_go_all_the_same(log, user, settings):
    audit.record("audit.read", actor=user, personal=SAID)
    settings.BT_SECURITY_FEATURES = []
    assert erase(user) is True
    assert log(action="audit.erased") == []


def command(*options):
    output = StringIO()
    call_command("erase_audit_subject", *options, stdout=output)
    return output.getvalue()


def test_the_command_erases_and_says_what_was_there(log, user):
    audit.record("audit.read", actor=user, personal=SAID)
    assert "cannot be read any more" in command(f"user:{user.pk}", "--yes")
    assert "no personal data" in command("user:404", "--yes")


@pytest.mark.once
def test_the_command_refuses_what_is_no_subject(log):
    with pytest.raises(CommandError, match="Nothing was erased: no subject"):
        command("Mary", "--yes")


@pytest.mark.once
@pytest.mark.parametrize("is_there", [True, False])
def test_the_command_asks_and_nobody_answers(log, monkeypatch, is_there):
    with open(os.devnull) as nobody:
        monkeypatch.setattr("sys.stdin", nobody if is_there else None)
        with pytest.raises(CommandError, match="use --yes"):
            command("user:5")


@pytest.mark.once
@pytest.mark.parametrize(("answer", "is_erased"), [("yes\n", True), ("no\n", False)])
def test_the_command_does_what_is_answered(log, user, monkeypatch, answer, is_erased):
    audit.record("audit.read", actor=user, personal=SAID)
    mine, its = os.openpty()
    os.write(mine, answer.encode())
    with open(its) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        if is_erased:
            assert "cannot be read" in command(f"user:{user.pk}")
        else:
            with pytest.raises(CommandError):
                command(f"user:{user.pk}")
    os.close(mine)
    assert (log.only(action="audit.read").personal_data is None) is is_erased
