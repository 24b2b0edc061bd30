"""The database refuses plaintext that went past the field."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat, Lower

from tests.fields.conftest import CANARY
from tests.testapp.models import Account, Everything, Legacy, Note, Vault

pytestmark = pytest.mark.django_db

REFUSED = (IntegrityError, OperationalError)  # MariaDB calls a failed CHECK the latter


@pytest.mark.parametrize(
    "expression",
    [
        Value(CANARY),
        Value(""),
        Value("e2:"),
        Value("e2:00000000:"),
        Value("E2:00000000:" + "A" * 40),
        Value("e3:00000000:" + "A" * 40),
        Value("e2:0000000g:" + "A" * 40),
        Value(" e2:00000000:" + "A" * 40),
        Value("x\ne2:00000000:" + "A" * 40),
        F("title"),
        Concat("title", Value(CANARY)),
        Concat(Value(CANARY), "body"),
        Lower(Value(CANARY)),
    ],
    ids=repr,
)
@pytest.mark.feature("BT-16")
def test_an_expression_that_gives_plaintext_is_refused(note, cell, expression):
    """The CHECK of a sealed column refuses plaintext that SQL computes."""
    before = cell(note, "body").text
    with pytest.raises(REFUSED), transaction.atomic():
        Note.objects.update(body=expression)
    assert cell(note, "body").text == before


def test_an_assigned_expression_that_gives_plaintext_is_refused(note):
    note.body = Concat("title", Value("x"))
    with pytest.raises(REFUSED), transaction.atomic():
        note.save()


def test_an_inserted_expression_that_gives_plaintext_is_refused():
    with pytest.raises(REFUSED), transaction.atomic():
        Note.objects.create(title="t", body=Lower(Value("X")))


def test_raw_sql_with_plaintext_is_refused():
    with pytest.raises(REFUSED), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO testapp_note (title, body) VALUES ('t', 'plain')")


@pytest.mark.parametrize("name", [f.name for f in Everything._meta.fields if f.name != "id"])
def test_the_column_of_every_class_is_guarded(cell, name):
    stored = Everything.objects.create()
    with pytest.raises(REFUSED), transaction.atomic():
        cell(stored, name).text = "1"


def test_an_indexed_and_a_bound_column_are_guarded(account, cell):
    vault = Vault.objects.create(secret=1)
    for instance, name in [(account, "email"), (vault, "secret")]:
        with pytest.raises(REFUSED), transaction.atomic():
            cell(instance, name).text = "plain"


def test_the_shortest_sealed_text_is_accepted(cell):
    stored = Everything.objects.create(text="")
    assert len(cell(stored, "text").text) == 52
    with pytest.raises(REFUSED), transaction.atomic():
        cell(stored, "text").text = "e2:00000000:" + "A" * 39


def test_nothing_is_refused_while_plaintext_is_allowed(cell):
    stored = Legacy.objects.create(token="t")
    Legacy.objects.update(token=Value(CANARY))
    assert cell(stored, "token").text == CANARY


@pytest.mark.parametrize("model", [Note, Account])
def test_the_field_gives_its_check_to_the_database(model):
    field = model._meta.get_field("body" if model is Note else "email")
    assert "[0-9a-f]" in field.db_parameters(connection)["check"]


def test_a_column_with_foreign_values_has_no_check(settings):
    settings.BT_SECURITY_KEYS_FOREIGN_FORMATS = {"testapp.note.body": ["bt_security.interop.trek"]}
    assert Note._meta.get_field("body").db_check(connection) is None
