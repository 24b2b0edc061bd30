"""One log-in in the admin: what is opened, for whom, and that it is recorded."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bt_security.history.shown import SEALED_FIELDS
from bt_security.models import AuditEntry, LoginOutcome
from bt_security.sessions import registry, secrets
from tests.history.admin_site import (
    DAYS,
    LIST,
    READ,
    audit_on,
    empty_log,
    log,
    opener,
    page,
    reader,
    site,
    text_of,
    unwritable_log,
)
from tests.history.old_rows import PLAIN, account, event, session

__all__ = ["audit_on", "empty_log", "log", "opener", "reader", "site", "unwritable_log"]


def test_sealed_columns_are_not_even_asked_for_by_who_may_not_read_them(reader):
    made = event(account(), name_digest="d1:canary", **PLAIN)
    with CaptureQueriesContext(connection) as queries:
        answers = [reader.get(LIST), reader.get(DAYS), reader.get(page(made))]
    statements = " ".join(query["sql"] for query in queries)
    for name in (*SEALED_FIELDS, "ip_index", "name_digest"):
        assert f'"{name}"' not in statements
        assert f"`{name}`" not in statements
    for answer in answers:
        assert answer.status_code == 200
        assert not [value for value in PLAIN.values() if value in text_of(answer)]


def test_the_list_opens_nothing_for_anybody(opener, log):
    event(account(), **PLAIN)
    content = text_of(opener.get(LIST))
    assert not [value for value in PLAIN.values() if value in content]
    assert log(action=READ) == []


@pytest.mark.feature("BT-66")
def test_the_permission_opens_a_log_in_and_that_is_recorded(opener, log):
    """Staff see times and counts; addresses and places by a permission, and it is recorded."""
    mary = account()
    made = event(mary, **PLAIN)
    answer = opener.get(page(made))
    assert all(value in text_of(answer) for value in PLAIN.values())
    entry = log.only(action=READ)
    assert (entry.target_kind, entry.target_id) == ("bt_security.loginevent", str(made.uid))
    assert entry.body == {"user": str(mary.pk)}
    assert entry.actor_id == opener.session["_auth_user_id"]


def test_an_attempt_with_an_unknown_name_is_opened_as_well(opener, log):
    made = event(None, outcome=LoginOutcome.FAILURE, ip_address=PLAIN["ip_address"])
    assert PLAIN["ip_address"] in text_of(opener.get(page(made)))
    assert log.only(action=READ).body == {}


def test_a_page_with_details_is_kept_by_no_browser(opener):
    answer = opener.get(page(event(account(), **PLAIN)))
    assert "no-store" in answer.headers["Cache-Control"]


def test_details_are_hidden_from_reports_of_errors(opener):
    answer = opener.get(page(event(account(), **PLAIN)))
    assert not [value for value in PLAIN.values() if value in repr(answer.context)]


def test_what_cannot_be_recorded_is_not_shown(opener, unwritable_log):
    made = event(account(), **PLAIN)
    opener.raise_request_exception = False
    answer = opener.get(page(made))
    assert answer.status_code == 500
    assert not [value for value in PLAIN.values() if value in text_of(answer)]


def test_where_reading_is_not_recorded_nothing_is_opened(opener, settings):
    settings.BT_SECURITY_FEATURES = ["history"]
    answer = opener.get(page(event(account(), **PLAIN)))
    assert "the audit log is off" in text_of(answer)
    assert not [value for value in PLAIN.values() if value in text_of(answer)]


def test_a_value_of_another_row_does_not_open(opener):
    theirs = event(account(), **PLAIN)
    own = event(account("anne"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT ip_address FROM bt_security_login_event WHERE id = %s", [theirs.pk])
        (sealed,) = cursor.fetchone()
        cursor.execute(
            "UPDATE bt_security_login_event SET ip_address = %s WHERE id = %s", [sealed, own.pk]
        )
    content = text_of(opener.get(page(own)))
    assert "Not everything can be opened" in content
    assert PLAIN["ip_address"] not in content


def test_a_log_in_that_is_not_there_is_not_found(opener, log):
    assert opener.get(page(99)).status_code == 404
    assert opener.get(page(2**70)).status_code == 404
    assert log(action=READ) == []


def test_the_page_says_whether_the_session_is_active(reader):
    mary = account()
    mark, *_ = secrets.mark_digests(registry.mark_of(mary.pk))
    for days, said in ((-1, "still active"), (1, "over")):
        began = session(user=mary, days=days, mark=mark)
        made = event(mary, session_uuid=began.uuid)
        assert f"<td>{said}</td>" in text_of(reader.get(page(made)))


def test_looking_at_the_list_and_the_days_is_not_recorded(reader, log):
    event(account())
    before = AuditEntry.objects.count()
    reader.get(LIST)
    reader.get(DAYS)
    assert AuditEntry.objects.count() == before
