"""Columns that got a blind index later, and a damaged list of columns."""

from __future__ import annotations

import pytest

from bt_security import keys
from bt_security.fields.sealing import ColumnSealer
from tests.rotation.conftest import key_rows, put, rotate_keys
from tests.testapp.models import Note, Person

pytestmark = pytest.mark.usefixtures("operator_site")

WAYS = pytest.mark.parametrize("way", [(), ("--online",)], ids=["default", "online"])


@WAYS
def test_a_value_sealed_before_its_column_had_an_index_gets_one(way):
    person = Person.objects.create(code="A1")
    sealer = ColumnSealer(keys.ring(), contexts=["testapp.person.code"], lookups=())
    put(Person, "code", sealer.seal(b"A1"), id=person.pk)
    assert not Person.objects.filter(code="A1").exists()
    assert rotate_keys(*way).code == 0
    assert Person.objects.get(code="A1") == person


@pytest.mark.parametrize("damaged", ["junk", "[1]", '{"a": 1}'])
def test_a_damaged_inventory_is_written_anew(damaged):
    Note.objects.create(body="x")
    keys.store.write("_sealed_columns", damaged)
    assert rotate_keys().code == 0
    assert "testapp_note" in key_rows()["_sealed_columns"]
