"""Fixtures hold sealed text and load into another database with the same key."""

from __future__ import annotations

import json

import pytest
from django.core import serializers
from django.core.management import call_command

from bt_security.fields import Sealed
from tests.serializers.conftest import FORMATS, TEXT_FORMATS, stored
from tests.serializers.samples import CANARIES, VALUES, make_rows
from tests.testapp import models

pytestmark = pytest.mark.django_db(databases=["default", "other"])


def dumped(tmp_path, kind: str, *arguments: str, **options: object):
    file = tmp_path / f"dump.{kind}"
    call_command("dumpdata", *arguments, format=kind, output=str(file), verbosity=0, **options)
    return file


def sealed_names(model) -> list[str]:
    return [f.name for f in model._meta.concrete_fields if hasattr(f, "is_sealed_column")]


@pytest.mark.parametrize("kind", TEXT_FORMATS)
@pytest.mark.parametrize(
    "options",
    [{}, {"use_natural_foreign_keys": True}, {"use_base_manager": True}],
    ids=["plain", "natural", "all"],
)
def test_no_plaintext_is_in_a_dump(tmp_path, kind, options):
    make_rows()
    text = dumped(tmp_path, kind, "testapp", **options).read_text()
    assert [canary for canary in CANARIES if canary in text] == []
    assert stored(models.BankConnection.objects.get(), "access_url") in text


@pytest.mark.parametrize("kind", ["python"])
def test_no_plaintext_is_in_python_values(kind):
    make_rows()
    rows = serializers.serialize(kind, models.Everything.objects.all())
    assert {type(value) for row in rows for value in row["fields"].values()} == {dict, type(None)}
    assert [canary for canary in CANARIES if canary in repr(rows)] == []


@pytest.mark.parametrize("kind", TEXT_FORMATS)
@pytest.mark.parametrize("natural", [True, False], ids=["natural", "keys"])
def test_a_dump_loads_byte_for_byte_into_another_database(tmp_path, kind, natural):
    rows = make_rows()
    file = dumped(tmp_path, kind, "testapp", use_natural_foreign_keys=natural)
    call_command("loaddata", str(file), database="other", verbosity=0)
    for row in rows:
        bound_or_loaded = type(row)._base_manager.get(pk=row.pk)
        for name in sealed_names(type(row)):
            before, after = stored(row, name), stored(row, name, "other")
            assert (after is None) == (before is None)
            copy = type(row)._base_manager.using("other").get(pk=row.pk)
            assert getattr(copy, name) == getattr(bound_or_loaded, name)


@pytest.mark.parametrize("kind", TEXT_FORMATS)
def test_every_class_comes_back_as_it_was(tmp_path, kind):
    everything, *_ = make_rows()
    file = dumped(tmp_path, kind, "testapp.everything")
    call_command("loaddata", str(file), database="other", verbosity=0)
    copy = models.Everything.objects.using("other").get(pk=everything.pk)
    assert {name: getattr(copy, name) for name in VALUES} == VALUES


@pytest.mark.parametrize("kind", FORMATS)
def test_a_bound_value_is_written_as_it_is_stored(kind):
    make_rows()
    row = models.BankConnection.objects.get()
    text = serializers.serialize(kind, [row])
    assert stored(row, "access_url") in str(text)


@pytest.mark.parametrize("kind", FORMATS)
def test_an_unreadable_value_is_copied_byte_for_byte(kind):
    note = models.Note.objects.create(body="x")
    strange = "e2:00000000:" + "A" * 64
    models.Note.objects.filter(pk=note.pk).update(body=Sealed(strange))
    dump = serializers.serialize(kind, models.Note.objects.all())
    for row in serializers.deserialize(kind, dump, using="other"):
        row.save(using="other")
    assert stored(note, "body", "other") == strange


def test_an_auto_now_field_keeps_its_moment():
    row = models.OwnFields.objects.create()
    (loaded,) = models.OwnFields.objects.all()
    dump = serializers.serialize("json", [loaded])
    (copy,) = serializers.deserialize("json", dump, using="other")
    copy.save(using="other")
    assert models.OwnFields.objects.using("other").get().stamped == row.stamped


def test_a_blind_index_is_not_written_and_is_made_again():
    make_rows()
    dump = serializers.serialize("json", models.Person.objects.all())
    assert "name_index" not in dump
    for row in serializers.deserialize("json", dump, using="other"):
        row.save(using="other")
    assert models.Person.objects.using("other").get(name="canary").phone == "918273645"


@pytest.mark.parametrize("kind", ["json", "xml"])
def test_a_blind_index_in_a_fixture_is_passed_over(kind):
    fixture = {
        "json": '[{"model": "testapp.person", "pk": 7, "fields": '
        '{"name": "a", "name_index": "zzzzzzzzzzzzzzzzzzzzzzzz"}}]',
        "xml": '<django-objects><object model="testapp.person" pk="7"><field name="name">a</field>'
        '<field name="name_index">zzzzzzzzzzzzzzzzzzzzzzzz</field></object></django-objects>',
    }[kind]
    (row,) = serializers.deserialize(kind, fixture)
    row.save()
    assert models.Person.objects.get(name="A").pk == 7


def test_a_deferred_value_is_fetched():
    make_rows()
    (row,) = models.Note.objects.defer("body")
    (copy,) = serializers.deserialize("json", serializers.serialize("json", [row]))
    copy.save()
    assert models.Note.objects.get().body == "canary"


def test_a_selection_of_fields_is_kept_to():
    make_rows()
    dump = serializers.serialize("json", models.Note.objects.all(), fields=["title"])
    assert json.loads(dump)[0]["fields"] == {"title": "plain"}


def test_indented_xml_loads(tmp_path):
    make_rows()
    file = dumped(tmp_path, "xml", "testapp", indent=2)
    call_command("loaddata", str(file), database="other", verbosity=0)
    assert models.Note.objects.using("other").get().body == "canary"
