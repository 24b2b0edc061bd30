"""What an old value is: of rows that were loaded, in part, again, or never."""

from __future__ import annotations

import pickle

import pytest
from django.db import DatabaseError, connection, models, transaction
from django.test.utils import CaptureQueriesContext

from bt_security.models import AuditEntry
from tests.audit.capture.conftest import roll_back
from tests.testapp.models import Ledger


def reads(queries):
    """Return the queries that read ledgers."""
    found = [query["sql"] for query in queries]
    return [sql for sql in found if sql.startswith("SELECT") and "testapp_ledger" in sql]


def test_a_field_that_was_not_loaded_has_its_old_value(make, changes):
    ledger = Ledger.objects.only("quantity").get(pk=make(quantity=4).pk)
    ledger.name = "Bank"
    ledger.save()
    assert changes() == {"name": ["Cash", "Bank"]}


def test_a_field_that_was_loaded_later_is_known(make, changes):
    ledger = Ledger.objects.defer("name").get(pk=make().pk)
    assert ledger.name == "Cash"
    ledger.name = "Bank"
    with CaptureQueriesContext(connection) as queries:
        ledger.save()
    assert changes() == {"name": ["Cash", "Bank"]}
    assert not reads(queries)


def test_what_was_not_loaded_is_not_loaded_for_an_entry(make, changes):
    ledger = Ledger.objects.only("quantity").get(pk=make().pk)
    ledger.delete()
    assert changes("model.deleted") == {"quantity": [0, None]}


def test_a_row_that_was_never_loaded_has_its_old_values(make, changes):
    Ledger(pk=make().pk, name="Bank").save()
    assert changes()["name"] == ["Cash", "Bank"]


def test_a_row_with_a_key_of_its_own_is_recorded_as_new(log):
    Ledger(pk=4711, name="Bank").save()
    assert log.actions() == ["model.created"]


def test_a_row_that_was_gone_and_is_saved_is_recorded_as_new(ledger, log):
    Ledger.objects.filter(pk=ledger.pk)._raw_delete("default")
    ledger.save()
    assert log.only().action == "model.created"


def test_a_forced_update_of_a_row_that_is_gone_leaves_no_entry(ledger, log):
    Ledger.objects.filter(pk=ledger.pk)._raw_delete("default")
    with pytest.raises(DatabaseError), transaction.atomic():
        ledger.save(force_update=True)
    assert log.actions() == []


def test_a_row_that_was_read_again_is_compared_with_that(ledger, changes):
    models.QuerySet(Ledger).update(name="Bank")
    ledger.refresh_from_db()
    ledger.name = "Safe"
    ledger.save()
    assert changes() == {"name": ["Bank", "Safe"]}


def test_fields_that_were_read_again_are_compared_with_that(ledger, changes):
    models.QuerySet(Ledger).update(name="Bank", quantity=5)
    ledger.refresh_from_db(fields=["name"])
    ledger.name, ledger.quantity = "Safe", 6
    ledger.save()
    assert changes() == {"name": ["Bank", "Safe"], "quantity": [0, 6]}


@pytest.mark.django_db(transaction=True)
def test_a_change_after_a_rollback_is_recorded(ledger, changes):
    ledger.name = "Bank"
    roll_back(lambda: (ledger.save(), ledger.refresh_from_db()))
    ledger.save()
    assert changes() == {"name": ["Cash", "Bank"]}


@pytest.mark.django_db(transaction=True)
def test_a_committed_row_is_not_asked_for_again(ledger, log):
    ledger.name = "Bank"
    ledger.save()
    ledger.name = "Safe"
    with CaptureQueriesContext(connection) as queries:
        ledger.save()
    assert [entry.body["changes"]["name"] for entry in log()] == [
        ["Cash", "Bank"],
        ["Bank", "Safe"],
    ]
    assert not reads(queries)


def test_a_row_saved_twice_in_a_transaction_has_two_entries(log):
    ledger = Ledger.objects.create(name="Cash")
    ledger.name = "Bank"
    ledger.save()
    ledger.save()
    assert log.actions() == ["model.created", "model.changed"]


@pytest.mark.django_db(transaction=True, databases=["default", "other"])
def test_a_row_is_compared_with_the_database_it_is_saved_to(make, changes):
    ledger = make()
    models.QuerySet(Ledger, using="other").create(pk=ledger.pk, name="Elsewhere")
    AuditEntry.objects.all().delete()
    ledger.save(using="other")
    assert changes()["name"] == ["Elsewhere", "Cash"]


def test_a_row_from_a_cache_is_compared_with_what_it_was(ledger, changes):
    cached = pickle.loads(pickle.dumps(ledger))
    cached.name = "Bank"
    cached.save()
    assert changes() == {"name": ["Cash", "Bank"]}
