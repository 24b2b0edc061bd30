"""`AuditedQuerySet`: one entry for each operation on many rows, with it or not at all."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.db import IntegrityError, connection, models
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from bt_security.exceptions import AuditUnavailable
from bt_security.models import AuditEntry
from tests.audit.capture.conftest import roll_back
from tests.testapp.models import BigLedger, Ledger, LedgerProxy, Line, Memo, Tag


@pytest.fixture
def three(make):
    return [make(name=name, code=name) for name in "abc"]


def keys(rows):
    return sorted(row.pk for row in rows)


OPERATIONS = {
    "update": lambda rows: Ledger.objects.update(name="x"),
    "bulk_create": lambda rows: Ledger.objects.bulk_create([Ledger(name="x")]),
    "bulk_update": lambda rows: Ledger.objects.bulk_update(renamed(rows), ["name"]),
    "delete": lambda rows: Ledger.objects.all().delete(),
}


def renamed(rows):
    for row in rows:
        row.name = "x"
    return rows


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_rows_change_without_their_entry(three, operation, without_table):
    with pytest.raises(AuditUnavailable):
        OPERATIONS[operation](three)
    assert list(Ledger.objects.order_by("name").values_list("name", flat=True)) == list("abc")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_rolled_back_leaves_no_entry(three, operation, log):
    roll_back(lambda: OPERATIONS[operation](three))
    assert log.actions() == []


@pytest.mark.django_db(transaction=True)
def test_a_bulk_insert_that_fails_leaves_no_entry(three, log):
    with pytest.raises(IntegrityError):
        Ledger.objects.bulk_create([Ledger(name="x"), Ledger(name="y", code="a")])
    assert log.actions() == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_nothing_is_recorded_where_the_feature_is_off(three, operation, log, settings):
    settings.BT_SECURITY_FEATURES = []
    OPERATIONS[operation](three)
    assert log.actions() == []


def test_operations_on_no_rows_leave_no_entry(three, log):
    none = Ledger.objects.filter(name="z")
    none.update(name="x")
    none.delete()
    none.bulk_update([], ["name"])
    none.bulk_create([])
    Ledger.objects.none().update(name="x")
    Ledger.objects.none().delete()
    assert log.actions() == []


def test_fields_that_entries_do_not_tell_leave_no_entry(three, log):
    Ledger.objects.update(touched="2026-01-01T00:00Z")
    Ledger.objects.bulk_update(three, ["touched"])
    assert log.actions() == []


def test_a_slice_is_refused_as_ever(three, log):
    with pytest.raises(TypeError, match="slice"):
        Ledger.objects.all()[:2].update(name="x")
    with pytest.raises(TypeError, match="limit"):
        Ledger.objects.all()[:2].delete()
    assert log.actions() == []


def test_a_delete_that_is_refused_leaves_the_transaction_usable(three, log, monkeypatch):
    monkeypatch.setattr(Line.ledger.field.remote_field, "on_delete", models.PROTECT)
    Line.objects.create(ledger=three[0], text="x")
    with pytest.raises(models.ProtectedError):
        Ledger.objects.all().delete()
    assert Ledger.objects.count() == 3
    assert log.actions() == []


def test_a_model_without_the_decorator_is_not_recorded(db, log):
    rows = models.QuerySet(Tag)
    rows.__class__ = type(Ledger.objects.all())
    rows.bulk_create([Tag(name="x")])
    rows.update(name="y")
    rows.delete()
    assert log.actions() == []


# Recorded.


def test_an_update_is_recorded_once(three, log):
    Ledger.objects.exclude(name="b").update(
        name="x",
        quantity=F("quantity") + 1,
        iban="DE02",
        parent=three[1],
        touched="2026-01-01T00:00Z",
    )
    entry = log.only()
    digest = entry.body.pop("where")
    assert (entry.action, entry.target_kind, entry.target_id) == (
        "model.bulk_changed",
        "testapp.ledger",
        "",
    )
    assert len(digest) == 64
    assert entry.body == {
        "count": 2,
        "pks": keys([three[0], three[2]]),
        "values": {
            "name": "x",
            "quantity": "[expression]",
            "iban": "[changed]",
            "parent": three[1].pk,
        },
    }


def test_the_digest_of_the_condition_holds_no_value(three, log):
    Ledger.objects.filter(name="a").update(quantity=1)
    Ledger.objects.filter(name="b").update(quantity=1)
    Ledger.objects.filter(code="b").update(quantity=1)
    first, second, other = (entry.body["where"] for entry in log())
    assert first == second != other


def test_rows_that_match_no_more_are_named(three, log):
    Ledger.objects.filter(name="a").update(name="x")
    assert log.only().body["pks"] == [three[0].pk]


def test_many_rows_are_counted_and_a_hundred_named(db, log):
    models.QuerySet(Ledger).bulk_create([Ledger(name="x") for _ in range(120)])
    Ledger.objects.update(name="y")
    Ledger.objects.all().delete()
    for entry in log():
        assert entry.body["count"] == 120
        assert len(entry.body["pks"]) == 100


def test_an_update_of_ordered_and_annotated_rows_is_recorded(three, log):
    rows = Ledger.objects.annotate(other=F("name")).order_by("-other")
    rows.update(note=F("other"))
    assert log.only().body["count"] == 3


def test_a_bulk_insert_is_recorded_once(log):
    made = Ledger.objects.bulk_create([Ledger(name="a"), Ledger(name="b")])
    found = [row.pk for row in made if row.pk is not None]
    assert log.only(action="model.bulk_created").body == {"count": 2, "pks": sorted(found)}


def test_a_bulk_insert_says_that_conflicts_were_left_out(three, log):
    Ledger.objects.bulk_create([Ledger(name="x", code="a")], ignore_conflicts=True)
    assert log.only().body == {"count": 1, "pks": [], "ignore_conflicts": True}


def test_a_bulk_update_is_recorded_once_with_its_fields(three, log):
    renamed(three)
    count = Ledger.objects.bulk_update(three, ["name", "touched"], batch_size=1)
    assert count == 3
    assert log.only(action="model.bulk_changed").body == {
        "count": 3,
        "pks": keys(three),
        "fields": ["name"],
    }


def test_a_row_after_a_bulk_update_is_compared_with_the_database(three, log):
    Ledger.objects.bulk_update(renamed(three), ["name"])
    three[0].quantity = 1
    three[0].save()
    assert log.only(action="model.changed").body["changes"] == {"quantity": [0, 1]}


def test_a_delete_is_recorded_once(three, log):
    Line.objects.create(ledger=three[0], text="x")
    assert Ledger.objects.exclude(name="b").delete()[0] == 3
    entry = log.only()
    assert entry.action == "model.bulk_deleted"
    assert entry.body["pks"] == keys([three[0], three[2]])
    assert (entry.body["count"], len(entry.body["where"])) == (2, 64)


def test_rows_of_other_models_that_a_delete_takes_along_have_entries(three, log):
    memo = Memo.objects.create(title="x", ledger=three[0])
    AuditEntry.objects.all().delete()
    Ledger.objects.all().delete()
    assert [(entry.action, entry.target_id) for entry in log()] == [
        ("model.deleted", str(memo.pk)),
        ("model.bulk_deleted", ""),
    ]


def test_heirs_are_deleted_with_one_entry(db, log):
    BigLedger.objects.create(name="x")
    AuditEntry.objects.all().delete()
    BigLedger.objects.all().delete()
    entry = log.only()
    assert (entry.action, entry.target_kind) == ("model.bulk_deleted", "testapp.bigledger")
    assert entry.body["count"] == 1


def test_rows_of_a_proxy_are_recorded_under_the_name_of_the_model(three, log):
    LedgerProxy.objects.update(name="x")
    LedgerProxy.objects.all().delete()
    assert {entry.target_kind for entry in log()} == {"testapp.ledger"}
    assert [entry.body["count"] for entry in log()] == [3, 3]


def test_a_related_manager_is_recorded(three, make, log):
    make(parent=three[0])
    three[0].ledger_set.update(name="x")
    assert log.only().body["count"] == 1


@pytest.fixture
def recording_base_manager(monkeypatch):
    """A ledger with `base_manager_name = "objects"`."""
    monkeypatch.setitem(vars(Ledger._meta), "base_manager", Ledger._default_manager)


def test_adding_on_the_other_side_of_a_key_is_recorded(three, log, recording_base_manager):
    three[0].ledger_set.add(three[1])
    assert log.only().body["values"] == {"parent": three[0].pk}


def test_keys_that_a_delete_sets_to_null_are_recorded(
    three, make, log, monkeypatch, recording_base_manager
):
    make(parent=three[0])
    monkeypatch.setattr(Ledger.parent.field.remote_field, "on_delete", models.SET_NULL)
    three[0].delete()
    assert [(entry.action, entry.body.get("values")) for entry in log()] == [
        ("model.bulk_changed", {"parent": None}),
        ("model.deleted", None),
    ]


def test_a_row_is_saved_through_a_recording_base_manager(ledger, log, recording_base_manager):
    ledger.name = "Bank"
    ledger.save()
    Ledger.objects.create(name="New")
    assert log.actions() == ["model.changed", "model.created"]


@pytest.mark.django_db(transaction=True)
def test_async_operations_are_recorded(three, log):
    async def work():
        await Ledger.objects.aupdate(name="x")
        await Ledger.objects.abulk_create([Ledger(name="y")])
        await Ledger.objects.abulk_update(three, ["name"])
        await Ledger.objects.all().adelete()

    async_to_sync(work)()
    assert log.actions() == [
        "model.bulk_changed",
        "model.bulk_created",
        "model.bulk_changed",
        "model.bulk_deleted",
    ]


@pytest.mark.django_db(transaction=True)
def test_a_summary_costs_two_queries_more(three):
    Ledger.objects.update(name="w")
    with CaptureQueriesContext(connection) as queries:
        Ledger.objects.update(name="x")
    found = [query["sql"] for query in queries]
    verbs = [sql.split()[0] for sql in found if "testapp_ledger" in sql or "audit_entry" in sql]
    assert verbs == ["SELECT", "UPDATE", "INSERT"]
