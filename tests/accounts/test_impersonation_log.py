"""What the audit log says of operators who act as somebody else."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection
from django.test import Client

from bt_security.accounts.impersonation import PERMISSION
from bt_security.models import ActorKind, AuditEntry
from tests.accounts.impersonating import acting, begin, browser, count_of, end, seen

pytestmark = [pytest.mark.once, pytest.mark.django_db, pytest.mark.usefixtures("site")]


def who(entry):
    return ActorKind(entry.actor_kind).name, entry.actor_id, entry.via


@pytest.mark.feature("BD-26")
def test_both_ends_name_both_people(log, ann, sam):
    """The log has the beginning and the end, each with the operator and the account."""
    client = browser(sam)
    begin(client, ann, reason="ticket 4711")
    started = log.only(action="impersonation.started")
    assert (who(started), started.target_id) == (("USER", str(sam.pk), ""), str(ann.pk))
    assert started.body["why"] == "ticket 4711"
    end(client)
    ended = log.only(action="impersonation.ended")
    assert who(ended) == ("USER", str(ann.pk), f"user:{sam.pk}")
    assert (ended.reason, ended.target_id) == ("stopped", str(ann.pk))
    assert (ended.body["operator"], ended.body["session"]) == (
        str(sam.pk),
        started.body["session"],
    )


@pytest.mark.feature("BD-26")
def test_what_is_done_meanwhile_names_both(log, ann, sam):
    """An entry made while an operator acts names the account, and the operator in `via`."""
    acting(sam, ann).get("/note/")
    assert who(log.only(action="test.done")) == ("USER", str(ann.pk), f"user:{sam.pk}")


def test_before_and_after_it_names_one(log, ann, sam):
    client = browser(sam)
    client.get("/note/")
    begin(client, ann)
    end(client)
    client.get("/note/")
    for entry in log(action="test.done"):
        assert who(entry) == ("USER", str(sam.pk), "")


def test_a_visitor_has_no_operator(log):
    Client().get("/note/")
    assert who(log.only(action="test.done")) == ("ANONYMOUS", "", "")


def test_a_log_out_names_both(log, ann, sam):
    client = acting(sam, ann)
    client.post("/log-out/")
    both = ("USER", str(ann.pk), f"user:{sam.pk}")
    assert who(log.only(action="user.logout")) == both
    ended = log.only(action="impersonation.ended")
    assert (who(ended), ended.reason) == (both, "logged_out")


def test_an_end_that_a_request_finds_names_both(log, ann, sam):
    client = acting(sam, ann)
    sam.user_permissions.clear()
    seen(client)
    seen(client)
    entry = log.only(action="impersonation.ended")
    assert (entry.reason, entry.target_id) == ("operator_rights_changed", str(ann.pk))
    assert entry.body["operator"] == str(sam.pk)


def test_a_refused_page_names_both(log, ann, sam):
    acting(sam, ann).get("/secret/")
    entry = log.only(action="impersonation.refused")
    assert who(entry) == ("USER", str(ann.pk), f"user:{sam.pk}")


def test_without_its_entry_nothing_begins(log, ann, sam):
    client = browser(sam)
    client.raise_request_exception = False
    with connection.execute_wrapper(refuse_entries):
        assert begin(client, ann).status_code == 500
    assert seen(client) == (sam.pk, None)
    assert count_of(ann) == 0


def refuse_entries(execute, sql, params, many, context):
    if sql.startswith("INSERT") and AuditEntry._meta.db_table in sql:
        raise OperationalError("disk full")
    return execute(sql, params, many, context)


def test_async_views_know_both(ann, sam):
    client = acting(sam, ann)
    answer = client.get("/who-later/")
    assert answer.json() == {"user": ann.pk, "operator": sam.pk}


def test_the_permission_is_one_that_can_be_given(sam):
    assert sam.has_perm(PERMISSION)
