"""`@audited`: one entry for each change of a row."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import models
from django.db.models import F
from django.db.models.functions import Upper
from django.db.models.signals import post_save

from bt_security.audit import capture
from tests.testapp.models import Ledger


def test_a_new_row_is_recorded_with_its_values(log):
    made = Ledger.objects.create(name="Cash", amount="12.50", note="")
    entry = log.only(action="model.created")
    assert (entry.target_kind, entry.target_id) == ("testapp.ledger", str(made.pk))
    assert entry.body["changes"] == {
        "name": [None, "Cash"],
        "amount": [None, "12.50"],
        "quantity": [None, 0],
        "note": [None, ""],
        "extra": [None, {}],
        "paper": [None, ""],
    }


def test_a_change_is_recorded_with_old_and_new_value(ledger, log):
    ledger.name, ledger.quantity = "Bank", 3
    ledger.save()
    entry = log.only(action="model.changed")
    assert entry.body == {"changes": {"name": ["Cash", "Bank"], "quantity": [0, 3]}}
    assert entry.target_id == str(ledger.pk)


def test_a_deleted_row_is_recorded_with_its_values(ledger, log):
    key = str(ledger.pk)
    ledger.delete()
    entry = log.only(action="model.deleted")
    assert entry.target_id == key
    assert entry.body["changes"] == {
        "name": ["Cash", None],
        "amount": ["0.00", None],
        "quantity": [0, None],
        "extra": [{}, None],
        "paper": ["", None],
    }


def test_a_deleted_row_is_recorded_as_it_was_stored(ledger, changes):
    ledger.name = "never saved"
    ledger.delete()
    assert changes("model.deleted")["name"] == ["Cash", None]


def test_rows_that_a_delete_takes_along_have_their_entries(ledger, make, log):
    keys = {str(ledger.pk), str(make(parent=ledger).pk)}
    ledger.delete()
    assert {entry.target_id for entry in log(action="model.deleted")} == keys
    assert len(log()) == 2


def test_a_value_that_was_changed_in_place_is_recorded(make, changes):
    ledger = make(extra={"a": [1, {"b": 2}]})
    ledger.extra["a"][1]["b"] = 3
    ledger.save()
    assert changes() == {"extra": [{"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}]}


def test_a_related_row_is_recorded_by_its_key(make, changes):
    ledger, parent = make(), make()
    ledger.parent = parent
    ledger.save()
    assert changes() == {"parent": [None, parent.pk]}


def test_only_the_saved_fields_are_recorded(ledger, changes, log):
    ledger.name, ledger.quantity = "Bank", 3
    ledger.save(update_fields=["name"])
    assert changes() == {"name": ["Cash", "Bank"]}
    ledger.save()
    assert [entry.body["changes"] for entry in log()][1:] == [{"quantity": [0, 3]}]


def test_a_foreign_key_may_be_named_by_its_attribute(make, changes):
    ledger, parent = make(), make()
    ledger.parent_id = parent.pk
    ledger.save(update_fields=["parent_id"])
    assert changes() == {"parent": [None, parent.pk]}


def test_what_the_database_computes_is_recorded_as_its_value(make, changes):
    ledger = make(quantity=4)
    ledger.quantity = F("quantity") + 3
    ledger.save()
    assert changes() == {"quantity": [4, 7]}


def test_what_the_database_computes_may_be_no_change(make, log):
    ledger = make(quantity=4)
    ledger.quantity = F("quantity") + 0
    ledger.save()
    assert log.actions() == []


def test_a_new_row_is_recorded_with_what_the_database_computes(changes):
    Ledger.objects.create(name=Upper(models.Value("cash")))
    assert changes("model.created")["name"] == [None, "CASH"]


@pytest.mark.django_db(transaction=True)
def test_a_computed_value_is_asked_for_again(make, log):
    ledger = make(quantity=4)
    ledger.quantity = F("quantity") + 3
    ledger.save()
    ledger.quantity = 7
    ledger.save()
    ledger.quantity = 8
    ledger.save()
    assert [entry.body["changes"]["quantity"] for entry in log()] == [[4, 7], [7, 8]]


def test_a_file_is_recorded_by_its_name(ledger, changes, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    ledger.paper.save("plan.txt", ContentFile(b"x"))
    assert changes() == {"paper": ["", "plan.txt"]}


def test_the_entry_stands_before_those_of_what_the_change_sets_off(ledger, log):
    def follow(instance, created, **_):
        if created:
            instance.name = "followed"
            instance.save()

    post_save.connect(follow, sender=Ledger)
    Ledger.objects.create(name="New")
    assert log.actions() == ["model.created", "model.changed"]


def test_a_fixture_is_recorded(make, log, tmp_path):
    ledger = make()
    fixture = tmp_path / "ledgers.json"
    call_command("dumpdata", "testapp.ledger", output=str(fixture))
    fixture.write_text(fixture.read_text().replace("Cash", "Bank"))
    call_command("loaddata", str(fixture), verbosity=0)
    entry = log.only(action="model.changed")
    assert (entry.target_id, entry.body["changes"]) == (str(ledger.pk), {"name": ["Cash", "Bank"]})


def test_a_fixture_of_a_new_row_is_recorded(ledger, log, tmp_path):
    fixture = tmp_path / "ledgers.json"
    call_command("dumpdata", "testapp.ledger", output=str(fixture))
    Ledger.objects.filter(pk=ledger.pk)._raw_delete("default")
    call_command("loaddata", str(fixture), verbosity=0)
    assert log.actions() == ["model.created"]


@pytest.mark.django_db(transaction=True)
def test_async_code_is_recorded(log):
    async def work():
        made = await Ledger.objects.acreate(name="Cash")
        made.name = "Bank"
        await made.asave()
        await made.adelete()

    async_to_sync(work)()
    assert log.actions() == ["model.created", "model.changed", "model.deleted"]


def test_long_values_are_cut_so_that_every_name_stays(make, changes):
    ledger = make(note="é" * 8_000)
    ledger.note, ledger.name = "é" * 9_000, "ü" * 100
    ledger.extra = {"password": "hunter2", "text": "x" * 5_000}
    ledger.save()
    found = changes()
    assert set(found) == {"note", "name", "extra"}
    assert found["note"][1].endswith("~ of 9000 characters")
    assert "hunter2" not in str(found)


def test_values_that_fit_in_no_entry_are_only_named(make, changes):
    ledger = make(extra=["é" * 50] * 200)
    ledger.extra = ["ü" * 50] * 200
    ledger.name = "Bank"
    ledger.save()
    assert changes() == {"extra": "[changed]", "name": "[changed]"}


def test_connecting_twice_changes_nothing(ledger, log):
    capture.connect()
    ledger.name = "Bank"
    ledger.save()
    ledger.delete()
    assert log.actions() == ["model.changed", "model.deleted"]
