"""What README says of the fields and of what they do not protect, where no other test does."""

from __future__ import annotations

import pickle

import pytest
from django.core.exceptions import FieldError
from django.db import connection

from bt_security.exceptions import Tampered
from tests.testapp.models import Account, BankConnection, Note, Person, Wide

pytestmark = pytest.mark.django_db


def sql(statement: str, *params: object) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall()) if cursor.description else []


def test_a_pickled_instance_holds_its_plain_values():
    note = Note.objects.create(body="canary of a cache")
    assert b"canary of a cache" in pickle.dumps(Note.objects.get(pk=note.pk))


def test_the_index_shows_which_rows_are_equal():
    for name in ("same", "same", "other"):
        Person.objects.create(name=name)
    found = sql("SELECT COUNT(DISTINCT name_index) FROM testapp_person")
    assert found == [(2,)]


def test_a_sealed_text_shows_the_length_of_its_value():
    lengths = []
    for length in (30, 60, 90):
        note = Note.objects.create(body="x" * length)
        ((text,),) = sql("SELECT body FROM testapp_note WHERE id = %s", note.pk)
        lengths.append(len(text))
    assert lengths == [12 + (12 + length + 16 + 2) // 3 * 4 for length in (30, 60, 90)]


def test_values_of_one_column_can_be_exchanged_and_put_back():
    first, second = Note.objects.create(body="first"), Note.objects.create(body="second")
    ((old,),) = sql("SELECT body FROM testapp_note WHERE id = %s", first.pk)
    sql("UPDATE testapp_note SET body = %s WHERE id = %s", old, second.pk)
    assert Note.objects.get(pk=second.pk).body == "first"
    Note.objects.filter(pk=first.pk).update(body="changed")
    sql("UPDATE testapp_note SET body = %s WHERE id = %s", old, first.pk)
    assert Note.objects.get(pk=first.pk).body == "first"


def test_a_value_in_another_column_does_not_open():
    row = Wide.objects.create(c01="first", c02="second")
    sql("UPDATE testapp_wide SET c02 = c01")
    found = Wide.objects.get(pk=row.pk)
    assert found.c01 == "first"
    with pytest.raises(Tampered):
        found.c02  # noqa: B018


def test_a_bound_value_does_not_open_in_another_row():
    one, other = (Account.objects.create_user(f"{n}@example.org") for n in ("one", "other"))
    BankConnection.objects.create(owner=one, access_url="https://one.example.org")
    second = BankConnection.objects.create(owner=other, access_url="https://two.example.org")
    ((text,),) = sql("SELECT access_url FROM testapp_bankconnection WHERE owner_id = %s", one.pk)
    sql("UPDATE testapp_bankconnection SET access_url = %s", text)
    with pytest.raises(Tampered):
        BankConnection.objects.get(pk=second.pk).access_url  # noqa: B018
    with pytest.raises(FieldError):
        BankConnection.objects.update(access_url="https://three.example.org")


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ({"name": "Straße"}, {"name": "STRASSE"}),
        ({"name": "Straße"}, {"name__iexact": "strasse"}),
        ({"phone": "+49 (30) 12-34"}, {"phone": "493012 34"}),
        ({"code": "Ab"}, {"code__in": ["x", "Ab"]}),
    ],
)
def test_look_ups_find(stored, wanted):
    made = Person.objects.create(**stored)
    assert Person.objects.get(**wanted) == made


def test_exact_keeps_case_apart():
    Person.objects.create(code="Ab")
    assert not Person.objects.filter(code="ab").exists()
    with pytest.raises(FieldError):
        Person.objects.filter(code__iexact="ab")


@pytest.mark.parametrize("lookup", ["contains", "gt", "range", "startswith", "regex"])
def test_any_other_look_up_is_refused(lookup):
    with pytest.raises(FieldError):
        Person.objects.filter(**{f"name__{lookup}": "a"})
