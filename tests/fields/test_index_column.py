"""The index column is kept by the database and computed on instances."""

from __future__ import annotations

import pickle

import pytest
from django.db import connection
from django.db.models import F

from bt_security.fields import BlindIndexField, Sealed
from bt_security.fields.blind_index import IndexValue
from tests.fields.conftest import break_text
from tests.testapp.models import Account, Legacy, Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(db):
    return Person.objects.create(name="Ann", phone="1")


def index_of(name):
    return Person._meta.get_field(name).source_field


def stored_index(person):
    return Person.objects.values_list("name_index", flat=True).get(pk=person.pk)


def by_save(person):
    person.name = "Bob"
    person.save()


def by_column(person):
    person.name = "Bob"
    person.save(update_fields=["name"])


def by_update(person):
    Person.objects.filter(pk=person.pk).update(name="Bob")


def by_bulk_update(person):
    person.name = "Bob"
    Person.objects.bulk_update([person], ["name"])


def by_raw_sql(person):
    text = Person._meta.get_field("name").seal("Bob")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE testapp_person SET name = %s WHERE id = %s", [text, person.pk])


@pytest.mark.parametrize("write", [by_save, by_column, by_update, by_bulk_update, by_raw_sql])
def test_every_write_keeps_the_index_in_step(person, write):
    before = stored_index(person)
    write(person)
    assert stored_index(person) not in (before, None)
    assert Person.objects.get(name="BOB").pk == person.pk
    assert not Person.objects.filter(name="Ann").exists()


def test_created_rows_have_their_index():
    Person.objects.bulk_create([Person(name="Ann"), Person(name="Bob")])
    assert Person.objects.get(name="bob").name == "Bob"


def test_the_attribute_is_what_the_database_will_hold(person):
    assert person.name_index == stored_index(person)
    assert Person.objects.get().name_index == stored_index(person)
    assert len(person.name_index) == 24


def test_the_attribute_follows_the_value_without_a_save(person):
    before = person.name_index
    person.name = "Bob"
    assert person.name_index not in (before, None)
    person.name = "ANN"
    assert person.name_index == before


@pytest.mark.parametrize("value", [None, object(), 1.5j])
def test_the_attribute_is_never_an_error(person, value, monkeypatch):
    monkeypatch.setattr(Person._meta.get_field("name").codec, "to_text", _refuse)
    person.name = value
    assert person.name_index is None


def _refuse(value):
    raise TypeError


def test_the_attribute_is_that_of_a_sealed_or_unreadable_value(person, cell):
    expected = stored_index(person)
    person.name = Sealed(cell(person, "name").text)
    assert person.name_index == expected
    cell(person, "name").text = break_text(cell(person, "name").text, "flipped")
    assert Person.objects.get().name_index == expected


def test_the_attribute_of_a_sealed_value_without_index_is_none(person):
    person.name = Sealed(Account._meta.get_field("email").seal("a@b.c")[:12] + "A" * 40)
    assert person.name_index is None


def test_the_attribute_is_none_without_a_key_that_opens(key, person):
    key.use(None)
    assert Person(name="Ann").name_index is None


def test_the_attribute_of_a_deferred_value_is_what_was_loaded(person):
    assert Person.objects.defer("name").get().name_index == stored_index(person)
    assert Person.objects.only("team").get().name_index is None


def test_the_attribute_ignores_what_is_assigned(person):
    person.name_index = "stale"
    assert person.name_index == stored_index(person)


def test_the_class_attribute_is_the_descriptor():
    assert Person.name_index.field is Person._meta.get_field("name_index")


def test_the_index_value_is_pickled_as_a_text(person):
    assert type(person.name_index) is IndexValue
    again = pickle.loads(pickle.dumps(person.name_index))
    assert (type(again), again) == (str, stored_index(person))


def test_rows_may_be_found_by_their_index(person):
    assert Person.objects.get(name_index=person.name_index) == person
    assert Person.objects.get(name_index=str(person.name_index)) == person
    assert not Person.objects.filter(name_index="a" * 24).exists()


def test_null_has_no_index():
    person = Person.objects.create(name="", phone=None)
    row = Person.objects.values("phone_index", "name_index").get(pk=person.pk)
    assert row["phone_index"] is None
    assert row["name_index"] is not None


def test_plaintext_has_no_index(cell):
    stored = Legacy.objects.create(token="t")
    for text in ("plain", "e2:00000000:" + "a" * 24 + ";", "e2:0000000:" + "a" * 24 + ":"):
        cell(stored, "token").text = text
        assert Legacy.objects.values_list("token_index", flat=True).get() is None


def test_the_case_of_an_index_counts_in_the_database(person):
    upper = Person.objects.filter(name_index=stored_index(person).upper())
    assert not upper.exists()
    assert Person.objects.filter(name_index=F("name_index")).exists()


@pytest.mark.once
def test_a_migration_records_the_source_alone():
    field = BlindIndexField(source="email", unique=True)
    _, path, args, options = field.deconstruct()
    assert path == "bt_security.fields.BlindIndexField"
    assert (args, options) == ([], {"source": "email", "unique": True})


@pytest.mark.once
def test_what_an_old_migration_recorded_is_dropped():
    options = {"expression": 1, "output_field": 2, "db_persist": False}
    assert BlindIndexField(source="email", **options).db_persist is True
