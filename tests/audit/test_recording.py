"""What `record` writes, in whose transaction, and what it does when the database refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.test.utils import isolate_apps
from django.utils import timezone

from bt_security import audit
from bt_security.audit import personal, rows
from bt_security.audit.circumstances import circumstances
from bt_security.audit.recording import is_genuine
from bt_security.audit.rows import Row, row_hash
from bt_security.audit.scopes import in_request
from bt_security.audit.seals.sealing import seal
from bt_security.exceptions import WrongKey
from bt_security.models import (
    ActorKind,
    AuditEntry,
    AuditHour,
    AuditRetention,
    AuditSeal,
    AuditSubjectKey,
    Outcome,
    Severity,
)
from tests.audit.conftest import make_user

ACTION = "test.done"


@pytest.fixture(autouse=True)
def _actions(audit_on):
    audit.register(ACTION, help="For tests.")
    audit.register("test.login", help="For tests.", on_error="spool")


def row_of(entry):
    return Row(*(getattr(entry, name) for name in rows.COLUMNS))


def request_of(user=None, **meta):
    request = RequestFactory().get("/", **meta)
    request.user = user or AnonymousUser()
    request.bt_request_id = "0123abcd"
    return request


@pytest.mark.django_db
def test_with_the_feature_off_nothing_is_recorded(settings):
    settings.BT_SECURITY_FEATURES = []
    assert audit.record(ACTION) is None
    assert audit.record_refusal(ACTION) is None
    assert not AuditEntry.objects.exists()


def test_an_unregistered_action_is_refused(log):
    with pytest.raises(ValueError, match="not registered"):
        audit.record("test.unknown")
    assert log() == []


def test_an_entry_says_what_who_and_when(log, user):
    uid = audit.record(ACTION, target=user, reason="asked", details={"count": 3}, actor=user)
    entry = log.only()
    assert entry.uid == uid
    assert (entry.action, entry.outcome, entry.severity) == (ACTION, Outcome.SUCCESS, 1)
    assert (entry.actor_kind, entry.actor_id) == (ActorKind.USER, str(user.pk))
    assert (entry.target_kind, entry.target_id) == ("testapp.account", str(user.pk))
    assert (entry.reason, entry.body) == ("asked", {"count": 3})
    assert abs(entry.recorded_at - timezone.now()) < timedelta(minutes=1)


def test_hash_and_mac_of_a_stored_row_match_its_columns(log, user):
    audit.record(
        ACTION, target=user, details={"name": "Zoë\x00"}, personal={"email": "x@y.example"}
    )
    row = row_of(log.only().entry)
    assert row_hash(row) == bytes(row.row_hash)
    assert is_genuine(row._replace(row_hash=bytes(row.row_hash), mac=bytes(row.mac)))


def test_a_changed_column_is_not_genuine(log):
    audit.record(ACTION)
    row = row_of(log.only().entry)
    assert not is_genuine(row._replace(reason="other"))


def test_a_text_names_the_target(log):
    audit.record(ACTION, target="bill:77")
    assert (log.only().target_kind, log.only().target_id) == ("bill", "77")


def test_an_outcome_other_than_success_is_more_severe(log):
    audit.record(ACTION, outcome="failure")
    assert (log.only().outcome, log.only().severity) == (Outcome.FAILURE, Severity.MEDIUM)


def test_a_site_asks_the_log_by_its_own_questions(log, user):
    audit.record(ACTION, target="bill:7", actor="task:nightly")
    audit.record(ACTION, target="bill:8", actor=user)
    first, second = AuditEntry.objects.filter(action=ACTION).order_by("id")
    asked = AuditEntry.objects.with_action(ACTION).newest_first()
    assert list(asked) == [second, first]
    assert list(asked.before(second.id)) == [first]
    assert list(asked.by_actor(str(user.pk))) == [second]
    assert list(asked.about("bill", "7")) == [first]
    assert list(asked.from_address([b"another"])) == []


def test_no_row_of_the_log_shows_what_it_holds(log, user):
    """What stands in error reports and in the shell of each of its models."""
    audit.record(ACTION, personal={"email": "canary@b.example"}, subject="user:5", actor=user)
    entry, key = AuditEntry.objects.latest("id"), AuditSubjectKey.objects.get(subject="user:5")
    seal()
    hour = AuditHour(hour=timezone.now(), action=ACTION, outcome=1, count=3)
    record = AuditRetention(seq=4)
    shown = [str(one) for one in (entry, key, AuditSeal.objects.latest("seq"), record, hour)]
    assert shown[0] == f"{ACTION} {entry.uid}"
    assert shown[1] == f"data key {key.pk}"
    assert shown[2:4] == ["seal 1", "retention record 4"]
    assert shown[4].startswith(f"3 x {ACTION} at ")
    assert repr(personal._data_key("user:5")) == f"<data key {key.pk}>"
    assert "canary" not in repr([circumstances(), *shown])


def test_of_many_people_only_some_keys_are_remembered(transactional_db, log, monkeypatch):
    monkeypatch.setattr(personal, "REMEMBERED_KEYS", 2)
    for number in range(3):
        audit.record(ACTION, personal={"email": "a@b.example"}, subject=f"user:{number}")
    assert len(personal._remembered) == 1
    assert [entry.personal_data["email"] for entry in log(action=ACTION)] == ["a@b.example"] * 3


def test_uids_sort_by_time():
    assert rows.new_uid().version == 7
    assert rows.new_uid().int >> 80 <= rows.new_uid().int >> 80


class TestPersonalData:
    def test_it_is_sealed_under_the_key_of_the_actor(self, log, user):
        with in_request(request_of(user, HTTP_USER_AGENT="Firefox", REMOTE_ADDR="192.0.2.7")):
            audit.record(ACTION, personal={"email": "new@example.com"})
        assert log.only().personal_data == {
            "address": "192.0.2.7",
            "agent": "Firefox",
            "label": "mary@example.com",
            "email": "new@example.com",
        }
        assert AuditSubjectKey.objects.get().subject == f"user:{user.pk}"
        stored = repr(AuditEntry.objects.values().get(action=ACTION))
        assert not any(word in stored for word in ("192.0.2.7", "Firefox", "mary", "new@"))

    def test_of_a_visitor_it_hangs_on_the_key_of_the_month(self, log):
        with in_request(request_of()):
            audit.record(ACTION)
        assert AuditSubjectKey.objects.get().subject == f"anonymous:{timezone.now():%Y-%m}"

    def test_of_a_visitor_who_fails_to_be_a_user_it_is_the_users(self, log, user):
        with in_request(request_of()):
            audit.record(ACTION, target=user)
        assert AuditSubjectKey.objects.get().subject == f"user:{user.pk}"

    def test_a_named_subject_counts_first(self, log, user):
        other = make_user("anne")
        with in_request(request_of(user)):
            audit.record(ACTION, subject=other, personal={"email": "a@b.example"})
            audit.record(ACTION, subject="user:99", personal={"email": "a@b.example"})
        subjects = set(AuditSubjectKey.objects.values_list("subject", flat=True))
        assert subjects == {f"user:{other.pk}", "user:99"}

    def test_without_any_no_key_is_made(self, log):
        audit.record(ACTION)
        assert log.only().personal_data == {}
        assert not AuditSubjectKey.objects.exists()

    @isolate_apps("tests.testapp")
    def test_a_name_that_does_not_open_keeps_no_entry_away(self, log, user):
        class Broken(type(user)):
            class Meta:
                app_label = "testapp"
                proxy = True

            def get_username(self):
                raise WrongKey

        user.__class__ = Broken
        audit.record(ACTION, actor=user)
        assert log.only().actor_id == str(user.pk)


@pytest.mark.parametrize("target", [17, object(), b"bill:7"])
def test_a_target_of_another_type_is_refused(log, target):
    with pytest.raises(TypeError, match="kind:id"):
        audit.record(ACTION, target=target)


def test_a_user_has_one_name_as_target(log, user):
    audit.record(ACTION, target=user)
    audit.record(ACTION, target=f"user:{user.pk}")
    assert {(entry.target_kind, entry.target_id) for entry in log()} == {
        ("testapp.account", str(user.pk))
    }


def test_a_request_without_any_address_is_recorded_without_noise(log, caplog):
    request = request_of()
    del request.META["REMOTE_ADDR"]
    with in_request(request):
        audit.record(ACTION)
    assert "address" not in log.only().personal_data
    assert caplog.text == ""
