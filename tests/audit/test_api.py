"""The audit log as JSON: who may ask, what comes, and that asking is recorded."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bt_security import tokens
from bt_security.audit.personal import seal_personal
from bt_security.audit.reading.views import ENTRY_SCHEMA
from bt_security.audit.rows import new_uid
from bt_security.models import AuditEntry
from bt_security.tokens import bearer
from bt_security.web import admission
from tests.audit._reading_rows import (
    START,
    empty_log,
    made_entry,
    many_entries,
    unwritable_log,
)
from tests.audit.conftest import make_user

__all__ = ["empty_log", "unwritable_log"]

PATH = "/security/api/audit-log"
ADDRESS = "203.0.113.77"


@pytest.fixture(autouse=True)
def _site(settings, empty_log):
    settings.ROOT_URLCONF = "tests.audit.reading_site"


def person(name="reader", codes=("view_auditentry",), **fields):
    user = make_user(name, **{"is_staff": True, **fields})
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
    AuditEntry.objects.all().delete()
    return user


def browser_of(user):
    client = Client()
    client.force_login(user)
    AuditEntry.objects.all().delete()
    return client


@pytest.fixture
def reader():
    return browser_of(person())


def answered(client, **asked):
    answer = client.get(PATH, asked)
    assert answer.status_code == 200, answer.content
    return answer.json()


def reads():
    return AuditEntry.objects.filter(action="audit.read")


def test_strangers_are_refused():
    answer = Client().get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize(
    "fields", [{"codes": ()}, {"is_staff": False}, {"codes": ("view_auditseal",)}]
)
def test_who_may_not_see_the_log_is_refused(fields):
    made_entry(1)
    answer = browser_of(person(**fields)).get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    assert not reads().exists()


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_is_changed_there(reader, method):
    assert getattr(reader, method)(PATH).status_code == 405


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "many"),
        ("cursor", "x"),
        ("cursor", "-1"),
        ("cursor", str(2**64)),
        ("since", "yesterday"),
        ("until", "2026-99-99"),
        ("action", "x" * 65),
        ("before", "2026-01-01"),
        ("from", "2026-01-01"),
        ("text", "x"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(reader, name, value):
    answer = reader.get(PATH, {name: value})
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_FAILED")
    assert list(answer.json()["fields"]) == [name]
    assert not reads().exists()


def test_what_cannot_be_recorded_is_not_shown(reader, unwritable_log):
    uid = unwritable_log
    reader.raise_request_exception = False
    answer = reader.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (500, "SERVER_ERROR")
    assert uid not in answer.content.decode()


def test_an_entry_says_what_the_document_says(reader):
    made_entry(1, body='{"a":[1]}', recorded_at=START + timedelta(microseconds=3))
    (entry,) = answered(reader)["entries"]
    assert entry.keys() == ENTRY_SCHEMA["properties"].keys()
    assert entry["recorded_at"] == "2026-03-01T12:00:00.000003+00:00"
    assert (entry["outcome"], entry["details"]) == ("success", {"a": [1]})


def test_personal_data_are_not_in_it(reader):
    uid = new_uid()
    personal, key = seal_personal({"address": ADDRESS}, subject="user:5", uid=uid)
    made_entry(1, uid=uid, personal=personal, subject_key=key)
    assert ADDRESS not in json.dumps(answered(reader))


def test_a_body_that_is_no_json_breaks_nothing(reader):
    made_entry(1, body="{no json")
    (entry,) = answered(reader)["entries"]
    assert entry["details"] == {"[unreadable]": "{no json"}


def test_cursors_lead_through_the_whole_log(reader):
    uids = [str(made_entry(entry_id).uid) for entry_id in range(1, 8)]
    found, cursor = [], ""
    while cursor is not None:
        answer = answered(reader, limit=3, until="2026-06-01", cursor=cursor)
        found += [entry["uid"] for entry in answer["entries"]]
        cursor = answer["next_cursor"]
    assert found == uids[::-1]


@pytest.mark.feature("TK-54")
@pytest.mark.parametrize(("limit", "count"), [("9999", 500), ("0", 1), ("-5", 1), ("", 100)])
def test_a_limit_is_brought_into_its_bounds(reader, limit, count):
    """The log is answered as JSON, the newest entry first, 100 at once by default, at most 500."""
    many_entries(501)
    assert len(answered(reader, limit=limit)["entries"]) == count


def test_filters_are_those_of_the_list(reader):
    made_entry(1)
    made_entry(2, action="user.logout")
    made_entry(3, actor_id="6")
    made_entry(4, target_id="6")
    uids = [str(entry.uid) for entry in AuditEntry.objects.order_by("id")]
    for asked, wanted in (
        ({"action": "user.logout"}, 2),
        ({"actor": "user:6"}, 3),
        ({"target": "testapp.account:6"}, 4),
        ({"until": (START + timedelta(minutes=2)).isoformat()}, 1),
    ):
        (entry,) = answered(reader, **asked)["entries"]
        assert entry["uid"] == uids[wanted - 1]


@pytest.mark.parametrize("offset", ["+23:59", "-23:59"])
def test_any_offset_may_be_given(reader, offset):
    made_entry(1)
    asked = {"since": f"2026-01-01T00:00{offset}", "until": f"2027-01-01T00:00{offset}"}
    assert len(answered(reader, **asked)["entries"]) == 1


def test_a_page_is_recorded_once(reader):
    made_entry(1)
    answered(reader, action="user.login")
    assert json.loads(reads().get().body) == {
        "action": "user.login",
        "entries": 1,
        "page": "json",
    }


def test_nothing_is_counted(reader):
    made_entry(1)
    with CaptureQueriesContext(connection) as queries:
        answered(reader, actor="5")
    assert not [query["sql"] for query in queries if "COUNT(" in query["sql"].upper()]


@pytest.fixture
def _tokens(settings):
    settings.BT_SECURITY_TOKENS_BEARER = True
    judges = list(admission._judges)
    bearer.connect()
    yield
    admission._judges[:] = judges


def ask_with_token(user, scopes):
    secret = tokens.api.issue(user, "siem", scopes=scopes).secret
    return Client().get(PATH, headers={"authorization": f"Bearer {secret}"})


@pytest.mark.usefixtures("_tokens")
def test_an_api_token_reads_the_log_with_its_scope():
    user = person()
    assert ask_with_token(user, ["audit:read"]).status_code == 200
    assert ask_with_token(user, ["other"]).status_code == 403
