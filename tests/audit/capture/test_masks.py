"""What an entry never shows, and how much of the rest it shows."""

from __future__ import annotations

import pytest
from django.db import connection, models

from bt_security.models import AuditEntry
from tests.testapp.models import Ledger, Safe

SECRETS = {
    "iban": "DE02120300000000202051",
    "api_token": "tok-4711",
    "letter": "Dear Mary",
    "form": {"answer": "forty-two"},
}


def bodies():
    return " ".join(AuditEntry.objects.values_list("body", flat=True))


@pytest.mark.parametrize("name", SECRETS)
def test_a_masked_value_is_in_no_entry(log, name):
    made = Ledger.objects.create(name="Cash", **{name: SECRETS[name]})
    setattr(made, name, None)
    made.save()
    made.delete()
    assert [entry.body["changes"].get(name) for entry in log()] == ["[changed]", "[changed]", None]
    assert "Mary" not in bodies()
    assert "4711" not in bodies()
    assert "forty" not in bodies()
    assert "DE02" not in bodies()


@pytest.mark.parametrize("name", SECRETS)
def test_a_masked_value_that_stays_is_no_change(make, log, name):
    ledger = make(**SECRETS)
    setattr(ledger, name, type(SECRETS[name])(SECRETS[name]))
    ledger.save()
    assert log.actions() == []


def test_an_encrypted_value_that_was_changed_in_place_is_a_change(make, changes):
    ledger = make(**SECRETS)
    ledger.form["answer"] = "forty-three"
    ledger.save()
    assert changes() == {"form": "[changed]"}


def test_a_bound_value_that_was_only_read_is_no_change(safe, log):
    assert (safe.content, safe.papers) == ("gold", {"deed": 1})
    safe.content = "gold"
    safe.save()
    assert log.actions() == []


def test_a_bound_value_that_was_not_read_is_no_change(safe, log):
    safe.save()
    assert log.actions() == []


def test_a_changed_bound_value_is_a_change(safe, changes):
    safe.papers["deed"] = 2
    safe.content = None
    safe.save()
    assert changes() == {"papers": "[changed]", "content": "[changed]"}


def test_a_value_that_does_not_open_is_no_change(make, log):
    other = Ledger.objects.get(pk=make(letter="x").pk)
    models.QuerySet(Ledger).update(note=None)
    table = Ledger._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT letter FROM {table} WHERE id = %s", [other.pk])
        (text,) = cursor.fetchone()
        cursor.execute(f"UPDATE {table} SET letter = %s", [text[:-4] + "AAAA"])
    ledger = Ledger.objects.get(pk=other.pk)
    ledger.save()
    ledger.save()
    assert log.actions() == []


def test_a_bound_value_that_opens_no_more_counts_as_changed(safe, changes):
    moved = Safe(slug="b", content="silver", papers={})
    models.QuerySet(Safe).bulk_create([moved])
    with connection.cursor() as cursor:
        cursor.execute("SELECT content FROM testapp_safe WHERE slug = 'b'")
        cursor.execute("UPDATE testapp_safe SET content = %s WHERE slug = 'a'", cursor.fetchone())
    loaded = Safe.objects.get(slug="a")
    loaded.content = "gold"
    loaded.save()
    assert changes() == {"content": "[changed]"}
