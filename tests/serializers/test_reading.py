"""Only `{"sealed": …}` is sealed; anything else in a fixture is plaintext."""

from __future__ import annotations

import datetime
import json

import pytest
from django.core import serializers
from django.core.serializers.base import DeserializationError

from bt_security.fields import Sealed
from tests.serializers.conftest import FORMATS, stored
from tests.testapp import models

pytestmark = pytest.mark.django_db(databases=["default", "other"])


def load(kind: str, model: str, pk: object = 1, **fields: object):
    entry = {"model": model, "pk": pk, "fields": fields}
    content = {
        "python": lambda: [entry],
        "json": lambda: json.dumps([entry]),
        "jsonl": lambda: json.dumps(entry),
        "yaml": lambda: json.dumps([entry]),
        "xml": lambda: _xml(entry),
    }[kind]()
    (row,) = serializers.deserialize(kind, content)
    row.save()
    return row.object


def _xml(entry) -> str:
    fields = "".join(
        f'<field name="{name}">{_xml_value(value)}</field>'
        for name, value in entry["fields"].items()
    )
    opening = f'<object model="{entry["model"]}" pk="{entry["pk"]}">'
    return f"<django-objects>{opening}{fields}</object></django-objects>"


def _xml_value(value) -> str:
    if isinstance(value, dict):
        return f"<sealed>{value['sealed']}</sealed>"
    return "<None></None>" if value is None else str(value)


@pytest.mark.parametrize("kind", FORMATS)
def test_text_that_looks_sealed_is_plaintext(kind):
    text = "e2:00000000:" + "A" * 64
    load(kind, "testapp.note", body=text)
    note = models.Note.objects.get()
    assert note.body == text
    assert stored(note, "body") != text


@pytest.mark.parametrize("kind", FORMATS)
def test_plaintext_of_a_fixture_is_sealed(kind):
    load(kind, "testapp.everything", integer="7", date="2020-01-02", binary="eHg=", text=None)
    row = models.Everything.objects.get()
    assert (row.integer, row.date, row.text) == (7, datetime.date(2020, 1, 2), None)
    assert row.binary == b"xx"


@pytest.mark.parametrize("kind", FORMATS)
def test_a_bound_plaintext_is_sealed_for_its_row(kind):
    account = models.Account.objects.create_user("a@example.com")
    load(kind, "testapp.bankconnection", owner=account.pk, access_url="secret")
    assert models.BankConnection.objects.get().access_url == "secret"


def test_json_of_an_xml_fixture_is_json():
    load("xml", "testapp.everything", json='{"a": [1]}')
    assert models.Everything.objects.get().json == {"a": [1]}


def test_a_dict_with_more_than_sealed_is_plaintext():
    value = {"sealed": "x", "by": "me"}
    load("json", "testapp.everything", json=value)
    assert models.Everything.objects.get().json == value


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("text", ["canary", "e2:canary", "", "e1:00000000:canary"])
def test_a_malformed_sealed_text_is_refused_without_its_value(kind, text):
    with pytest.raises(DeserializationError) as caught:
        load(kind, "testapp.note", pk=7, body={"sealed": text})
    assert "testapp.Note.body (primary key " in str(caught.value)
    assert "7" in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("value", [5, None, ["e1:"], {"sealed": "e1:"}])
def test_a_sealed_text_that_is_no_text_is_refused(value):
    with pytest.raises(DeserializationError, match="malformed sealed text"):
        load("json", "testapp.note", body={"sealed": value})


@pytest.mark.parametrize("kind", FORMATS)
def test_a_value_of_the_wrong_type_is_refused_without_it(kind):
    with pytest.raises(DeserializationError) as caught:
        load(kind, "testapp.everything", pk=7, integer="canary")
    assert "testapp.Everything.integer (primary key" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_sealed_value_of_another_column_is_refused_when_it_is_read():
    account = models.Account.objects.create_user("a@example.com")
    foreign = models.Note.objects.create(body="x")
    row = load("json", "testapp.everything", text={"sealed": stored(foreign, "body")})
    assert isinstance(row.__dict__["text"], Sealed)
    with pytest.raises(Exception, match="moved from another place"):
        _ = models.Everything.objects.get(pk=row.pk).text
    assert account.pk


@pytest.mark.parametrize(
    "entry",
    [
        {"model": "testapp.nothing", "fields": {}},
        {"model": 7, "fields": {}},
        {"model": "nothing", "fields": {}},
        {"fields": {}},
        {"model": "testapp.note", "fields": {"nothing": 1}},
        {"model": "testapp.note", "fields": 7},
        7,
    ],
)
def test_a_fixture_that_django_refuses_is_refused(entry):
    with pytest.raises(DeserializationError):
        list(serializers.deserialize("json", json.dumps([entry])))


def test_an_unknown_field_is_passed_over_on_request():
    entry = {"model": "testapp.note", "pk": 1, "fields": {"nothing": 1, "body": "x"}}
    (row,) = serializers.deserialize("python", [entry], ignorenonexistent=True)
    assert row.object.body == "x"


@pytest.mark.parametrize("kind", ["json", "xml"])
def test_models_without_encrypted_fields_load_as_ever(kind):
    load(kind, "auth.group", name="people")
    load(kind, "testapp.pet", label="rex", owner=None)
    assert models.Pet.objects.get().label == "rex"


def test_a_proxy_seals_bound_plaintext(fleet):
    fleet.Owner.objects.create(pk=3, email="o@example.com")
    load("json", "fleet.carproxy", plate="B 1", number=1, owner=3, code="secret")
    assert fleet.Car.objects.get().code == "secret"


def test_an_unknown_model_is_passed_over_on_request():
    entry = {"model": "testapp.nothing", "fields": {}}
    assert list(serializers.deserialize("python", [entry], ignorenonexistent=True)) == []
