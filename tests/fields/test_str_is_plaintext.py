"""A `str` is plaintext, whatever it looks like; only `Sealed` objects pass unsealed."""

from __future__ import annotations

import json

import pytest
from django.core import serializers
from django.core.exceptions import FieldError
from django.db.models import Value
from django.forms import modelform_factory

from bt_security.exceptions import NotSealed
from bt_security.fields import Sealed, Unreadable
from tests.fields.conftest import CANARY, sealed_for
from tests.testapp.models import Account, BankConnection, Everything, Note, Vault

pytestmark = pytest.mark.django_db

NoteForm = modelform_factory(Note, fields=["title", "body"])


@pytest.fixture
def stolen(note, cell):
    """The sealed text of another row, as an attacker who reads the database has it."""
    return cell(note, "body").text


def by_assignment(text):
    made = Note(title="t")
    made.body = text
    made.save()


def by_change(text):
    made = Note.objects.create(title="t", body="old")
    made.body = text
    made.save(update_fields=["body"])


def by_form(text):
    form = NoteForm({"title": "t", "body": text})
    assert form.is_valid()
    form.save()


def by_full_clean(text):
    made = Note(title="t", body=text)
    made.full_clean()
    made.save()


def by_update(text):
    Note.objects.create(title="t", body="old")
    Note.objects.filter(title="t").update(body=text)


def by_value_of_the_field(text):
    Note.objects.create(title="t", body="old")
    value = Value(text, output_field=Note._meta.get_field("body"))
    Note.objects.filter(title="t").update(body=value)


def by_get_or_create(text):
    Note.objects.get_or_create(title="t", defaults={"body": text})


def by_bulk_create(text):
    Note.objects.bulk_create([Note(title="t", body=text)])


def by_bulk_update(text):
    made = Note.objects.create(title="t", body="old")
    made.body = text
    Note.objects.bulk_update([made], ["body"])


def by_fixture(text):
    content = [{"model": "testapp.note", "pk": 99, "fields": {"title": "t", "body": text}}]
    for found in serializers.deserialize("json", json.dumps(content)):
        found.save()


@pytest.mark.parametrize(
    "write",
    [
        *(by_assignment, by_change, by_form, by_full_clean, by_update, by_value_of_the_field),
        *(by_get_or_create, by_bulk_create, by_bulk_update, by_fixture),
    ],
)
def test_the_sealed_text_of_another_row_stays_these_characters(stolen, write):
    write(stolen)
    assert Note.objects.get(title="t").body == stolen


def test_a_sealed_object_is_stored_as_it_is(stolen, cell):
    made = Note.objects.create(title="t", body=Sealed(stolen))
    assert cell(made, "body").text == stolen
    assert Note.objects.get(title="t").body == CANARY


def test_a_sealed_object_passes_validation_and_update(note, cell):
    other = sealed_for(Note._meta.get_field("body"), "other")
    Note(title="t", body=other).full_clean()
    Note.objects.update(body=other)
    assert cell(note, "body").text == other.text


def test_a_sealed_object_replaces_a_value(note, cell):
    other = sealed_for(Note._meta.get_field("body"), "other")
    note.body = other
    note.save()
    assert cell(note, "body").text == other.text


@pytest.mark.parametrize(
    "text", ["", "plain", "e2:0000", "e2:00000000:AAAA", "e3:00000000:" + "A" * 40]
)
def test_a_sealed_object_takes_sealed_text_only(text):
    with pytest.raises(NotSealed):
        Sealed(text)


def test_two_sealed_objects_are_equal_by_their_text(stolen):
    assert Sealed(stolen) == Sealed(stolen)
    assert len({Sealed(stolen), Sealed(stolen)}) == 1
    assert Sealed(stolen) != stolen


def test_a_sealed_object_without_a_column_cannot_be_opened(stolen):
    with pytest.raises(TypeError, match="does not know its column"):
        Sealed(stolen).open()


def test_an_unreadable_value_is_refused_by_update(note, cell):
    cell(note, "body").text = cell(note, "body").text[:-4]
    placeholder = Note.objects.values_list("body", flat=True).get()
    assert type(placeholder) is Unreadable
    with pytest.raises(FieldError, match="did not open where it was read"):
        Note.objects.update(body=placeholder)


def test_a_bound_value_in_a_plain_dump_is_sealed_for_its_row(account):
    fields = {"owner": account.pk, "label": "x", "access_url": CANARY}
    content = json.dumps([{"model": "testapp.bankconnection", "pk": 7, "fields": fields}])
    for found in serializers.deserialize("json", content):
        found.save()
    assert BankConnection.objects.get().access_url == CANARY


def test_the_plain_representation_of_a_field_is_sealed_text(note, account, bank):
    for instance, name in [(note, "body"), (account, "email"), (bank, "access_url")]:
        shown = instance._meta.get_field(name).value_to_string(instance)
        assert shown.startswith("e2:")
    assert Note._meta.get_field("body").value_to_string(Note()) == ""
    deferred = Note.objects.defer("body").get()
    assert Note._meta.get_field("body").value_to_string(deferred).startswith("e2:")


def test_a_json_text_is_a_text_and_not_json():
    Everything.objects.create(json='{"a": 1}')
    assert Everything.objects.get().json == '{"a": 1}'


@pytest.mark.parametrize("value", [Sealed, Unreadable])
def test_validation_leaves_sealed_objects_alone(note, cell, value):
    text = cell(note, "body").text
    given = Sealed(text) if value is Sealed else Unreadable(text, NotSealed())
    for model, name in [(Note, "body"), (Account, "email"), (Vault, "secret")]:
        assert model._meta.get_field(name).clean(given, None) is given
