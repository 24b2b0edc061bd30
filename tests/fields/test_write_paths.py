"""Every way of writing and reading that Django has."""

from __future__ import annotations

import copy
import pickle

import pytest
from django.db import connection
from django.db.models import Case, F, Prefetch, Value, When

from tests.fields.conftest import CANARY
from tests.testapp.models import Note, Person, Pet

pytestmark = pytest.mark.django_db


def bodies():
    return list(Note.objects.order_by("pk").values_list("body", flat=True))


def create():
    Note.objects.create(title="t", body="new")


def save():
    Note(title="t", body="new").save()


def save_again():
    made = Note.objects.create(title="t", body="old")
    made.body = "new"
    made.save()


def save_one_column():
    made = Note.objects.create(title="t", body="old")
    made.body = "new"
    made.save(update_fields=["body"])


def bulk_create():
    Note.objects.bulk_create([Note(title="t", body="new")])


def bulk_update():
    made = Note.objects.create(title="t", body="old")
    made.body = "new"
    Note.objects.bulk_update([made], ["body"])


def update():
    Note.objects.create(title="t", body="old")
    Note.objects.update(body="new")


def update_by_case():
    Note.objects.create(title="t", body="old")
    field = Note._meta.get_field("body")
    Note.objects.update(body=Case(When(title="t", then=Value("new", output_field=field))))


def get_or_create():
    Note.objects.get_or_create(title="t", defaults={"body": "new"})


def update_or_create():
    Note.objects.create(title="t", body="old")
    Note.objects.update_or_create(title="t", defaults={"body": "new"})


def update_or_create_that_creates():
    Note.objects.update_or_create(
        title="t", defaults={"body": "old"}, create_defaults={"body": "new"}
    )


WAYS = [
    *(create, save, save_again, save_one_column, bulk_create, bulk_update, update),
    *(update_by_case, get_or_create, update_or_create, update_or_create_that_creates),
]


@pytest.mark.parametrize("write", WAYS)
def test_what_is_written_is_sealed_and_comes_back(cell, write):
    write()
    assert cell(Note.objects.get(), "body").text.startswith("e2:")
    assert bodies() == ["new"]


@pytest.mark.parametrize("write", WAYS)
def test_the_database_key_seals_on_every_path(key, cell, write):
    key.use("database")
    write()
    assert cell(Note.objects.get(), "body").text.startswith(key["database"].prefix)


def test_a_conflict_updates_the_sealed_value():
    made = Note.objects.create(title="t", body="old")
    options = {"update_conflicts": True, "update_fields": ["body"]}
    if connection.vendor != "mysql":
        options["unique_fields"] = ["id"]
    Note.objects.bulk_create([Note(pk=made.pk, title="other", body="new")], **options)
    assert (Note.objects.get().title, bodies()) == ("t", ["new"])


def test_bulk_update_keeps_the_values_of_rows_apart():
    made = Note.objects.bulk_create([Note(title=str(n), body=f"old {n}") for n in range(5)])
    made = list(Note.objects.order_by("title"))
    for number, each in enumerate(made):
        each.body = None if number == 3 else f"new {number}"
    Note.objects.bulk_update(made, ["body"], batch_size=2)
    assert bodies() == ["new 0", "new 1", "new 2", None, "new 4"]


def test_a_save_of_other_columns_writes_no_sealed_column(note, cell):
    before = cell(note, "body").text
    note.title = "changed"
    note.save(update_fields=["title"])
    assert cell(note, "body").text == before


def read_get():
    return Note.objects.get().body


def read_deferred():
    return Note.objects.defer("body").get().body


def read_only():
    return Note.objects.only("body").get().body


def read_values():
    return Note.objects.values("body").get()["body"]


def read_values_list():
    return Note.objects.values_list("body").get()[0]


def read_named():
    return Note.objects.values_list("title", "body", named=True).get().body


def read_iterator():
    return next(Note.objects.iterator()).body


def read_in_bulk():
    return next(iter(Note.objects.in_bulk().values())).body


def read_refreshed():
    found = Note.objects.get()
    found.body = "changed here"
    found.refresh_from_db()
    return found.body


def read_refreshed_column():
    found = Note.objects.get()
    found.body = "changed here"
    found.refresh_from_db(fields=["body"])
    return found.body


def read_annotated():
    return Note.objects.annotate(copy=F("body")).get().copy


def read_alias_of_values():
    return Note.objects.values(copy=F("body")).get()["copy"]


def read_union():
    return Note.objects.all().union(Note.objects.filter(title="plain title")).get().body


def read_raw():
    return next(iter(Note.objects.raw("SELECT * FROM testapp_note"))).body


def read_pickled():
    return pickle.loads(pickle.dumps(Note.objects.get())).body


def read_pickled_queryset():
    return pickle.loads(pickle.dumps(Note.objects.all()))[0].body


def read_pickled_query():
    again = Note.objects.all()
    again.query = pickle.loads(pickle.dumps(Note.objects.all().query))
    return again.get().body


def read_copied():
    return copy.copy(Note.objects.get()).body


def read_deep_copied():
    return copy.deepcopy(Note.objects.get()).body


def read_ordered():
    return Note.objects.order_by("body", "-body").first().body


def read_distinct():
    return Note.objects.distinct().get().body


@pytest.mark.parametrize(
    "read",
    [
        *(read_get, read_deferred, read_only, read_values, read_values_list, read_named),
        *(read_iterator, read_in_bulk, read_refreshed, read_refreshed_column, read_annotated),
        *(read_alias_of_values, read_union, read_raw, read_pickled, read_pickled_queryset),
        *(read_pickled_query, read_copied, read_deep_copied, read_ordered, read_distinct),
    ],
)
def test_what_is_read_is_plaintext(note, read):
    assert read() == CANARY


@pytest.fixture
def pet(db):
    owner = Person.objects.create(name="Ann", phone="030 1", code="C")
    return Pet.objects.create(owner=owner, label="cat")


@pytest.mark.parametrize(
    "pets",
    [
        lambda: Pet.objects.select_related("owner"),
        lambda: Pet.objects.prefetch_related("owner"),
        lambda: Pet.objects.prefetch_related(Prefetch("owner", Person.objects.only("name"))),
        lambda: Pet.objects.select_related("owner").only("label", "owner__name"),
    ],
)
def test_a_related_row_is_opened(pet, pets):
    assert pets().get().owner.name == "Ann"


def test_values_reach_through_relations(pet):
    assert Pet.objects.values_list("owner__name", "owner__phone").get() == ("Ann", "030 1")


def test_a_deferred_column_is_not_written(note, cell):
    before = cell(note, "body").text
    found = Note.objects.defer("body").get()
    found.title = "changed"
    found.save()
    assert cell(note, "body").text == before
    assert "body" in found.get_deferred_fields()


def test_the_class_attribute_is_the_descriptor():
    assert Note.body.field is Note._meta.get_field("body")


def test_reading_a_list_of_rows_takes_one_query(django_assert_num_queries):
    Note.objects.bulk_create([Note(body=str(n)) for n in range(50)])
    with django_assert_num_queries(1):
        assert {each.body for each in Note.objects.all()} == {str(n) for n in range(50)}
