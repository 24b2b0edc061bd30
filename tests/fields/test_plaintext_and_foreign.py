"""Columns on their way: plaintext from before, and other packages' values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bt_security.exceptions import NotSealed, Tampered, WrongKey
from bt_security.fields.foreign import open_plain
from tests.fields.conftest import break_text
from tests.testapp.models import BankConnection, Everything, Legacy, Note, Person

pytestmark = pytest.mark.django_db

VECTORS = Path(__file__).parents[1] / "interop" / "vectors"
TREK = json.loads((VECTORS / "trek.json").read_text(encoding="utf-8"))
FOREIGN = next(case for case in TREK["cases"] if case["given"] == "plain")


@pytest.fixture
def legacy(db):
    return Legacy.objects.create()


def open_token():
    return Legacy.objects.get().token


@pytest.mark.parametrize("text", ["plain", "", "e3:x", "E2:00000000:", " e2:", "🔐"])
def test_plaintext_from_before_is_read(legacy, cell, text):
    cell(legacy, "token").text = text
    assert open_token() == text


def test_a_plain_number_is_read(legacy, cell):
    cell(legacy, "amount").text = "-12"
    assert Legacy.objects.get().amount == -12


def test_a_plain_text_that_is_no_number_is_named(legacy, cell):
    cell(legacy, "amount").text = "canary"
    with pytest.raises(
        Tampered, match=r"Legacy\.amount.*not a value of this field's type"
    ) as error:
        _ = Legacy.objects.get().amount
    assert "canary" not in str(error.value)


@pytest.mark.parametrize("text", ["e1:", "e2:", "e2:mine", "e1:00000000:AAAA", "e2:00000000:x:y"])
def test_what_begins_like_sealed_text_is_never_plaintext(legacy, cell, text):
    cell(legacy, "token").text = text
    with pytest.raises((NotSealed, WrongKey, Tampered)):
        open_token()


@pytest.mark.parametrize("how", ["unknown key", "cut", "flipped", "moved"])
def test_a_sealed_value_that_does_not_open_is_not_plaintext(legacy, cell, how):
    legacy.token = "sealed"
    legacy.save()
    cell(legacy, "token").text = break_text(cell(legacy, "token").text, how)
    with pytest.raises((Tampered, WrongKey)):
        open_token()


@pytest.mark.parametrize("begins", ["mine", "e2:mine"])
def test_a_new_value_is_sealed_whatever_it_begins_with(cell, begins):
    stored = Legacy.objects.create(token=begins)
    assert cell(stored, "token").text[:3] == "e2:"
    assert Legacy.objects.get().token == begins


def test_saving_seals(legacy, cell):
    cell(legacy, "token").text, cell(legacy, "amount").text = "plain", "5"
    found = Legacy.objects.get()
    found.save()
    assert cell(legacy, "token").text[:3] == cell(legacy, "amount").text[:3] == "e2:"
    assert (Legacy.objects.get().token, Legacy.objects.get().amount) == ("plain", 5)


@pytest.mark.parametrize("wanted", [{"token": "t"}, {"token__in": ["t", "x"]}])
def test_look_ups_find_plain_and_sealed_rows(cell, wanted):
    plain, sealed = Legacy.objects.create(), Legacy.objects.create(token="t")
    cell(plain, "token").text = "t"
    assert set(Legacy.objects.filter(**wanted)) == {plain, sealed}
    assert not Legacy.objects.exclude(**wanted).exists()


def test_a_look_up_does_not_find_a_row_by_its_sealed_text(cell):
    stored = Legacy.objects.create(token="t")
    assert not Legacy.objects.filter(token=cell(stored, "token").text).exists()


def test_a_look_up_does_not_find_a_row_by_its_foreign_text(trek, legacy, cell):
    cell(legacy, "token").text = FOREIGN["stored"]
    trek("testapp.Legacy.token")
    assert not Legacy.objects.filter(token=FOREIGN["stored"]).exists()


@pytest.fixture
def trek(settings):
    """Says which columns still hold values of TREK."""

    def allow(*columns, reader="trek"):
        settings.BT_SECURITY_KEYS_FOREIGN_FORMATS = {
            column: [f"bt_security.interop.{reader}"] for column in columns
        }
        settings.TREK_ENCRYPTION_KEY = TREK["keys"][FOREIGN["keys"]]["TREK_ENCRYPTION_KEY"]

    return allow


@pytest.mark.parametrize("label", ["testapp.Note.body", "testapp.note.body"])
def test_a_foreign_value_with_a_prefix_is_read(trek, unguarded, note, cell, label):
    cell(note, "body").text = FOREIGN["stored"]
    trek(label)
    assert Note.objects.get().body == "plain"


def test_saving_a_foreign_value_seals_it(trek, unguarded, note, cell):
    cell(note, "body").text = FOREIGN["stored"]
    trek("testapp.Note.body")
    Note.objects.get().save()
    assert cell(note, "body").text[:3] == "e2:"


def test_a_foreign_value_that_does_not_open_is_named(trek, unguarded, note, cell, settings):
    cell(note, "body").text = FOREIGN["stored"]
    trek("testapp.Note.body")
    settings.TREK_ENCRYPTION_KEY = "another key of at least some length"
    with pytest.raises(WrongKey, match=r"testapp\.Note\.body"):
        _ = Note.objects.get().body


def test_a_foreign_value_never_falls_through_to_plaintext(trek, legacy, cell, settings):
    cell(legacy, "token").text = FOREIGN["stored"]
    trek("testapp.Legacy.token")
    settings.TREK_ENCRYPTION_KEY = "another key of at least some length"
    with pytest.raises(WrongKey):
        open_token()


@pytest.mark.parametrize("text", ["plain", "enc:v1:", "enc:v2:AAAA", "e2:x"])
def test_other_text_in_such_a_column_is_not_read(trek, unguarded, note, cell, text):
    cell(note, "body").text = text
    trek("testapp.Note.body")
    with pytest.raises(NotSealed):
        _ = Note.objects.get().body


def test_a_column_that_is_not_named_reads_nothing_foreign(trek, unguarded, note, cell):
    cell(note, "body").text = FOREIGN["stored"]
    trek("testapp.Letter.memo")
    with pytest.raises(NotSealed):
        _ = Note.objects.get().body


@pytest.mark.parametrize("reader", ["trek", "trek_mfa"])
def test_a_bound_column_reads_foreign_values_in_rotation_only(trek, reader):
    trek("testapp.BankConnection.access_url", reader=reader)
    stored = FOREIGN["stored"] if reader == "trek" else _mfa_value()["stored"]
    field = BankConnection._meta.get_field("access_url")
    with pytest.raises(NotSealed):
        field.open_text(stored, (1,))


def _mfa_value():
    return next(case for case in TREK["cases"] if case["format"] == "trek_mfa")


def test_a_format_without_prefix_is_read_in_rotation_only(trek):
    case = _mfa_value()
    trek("testapp.Note.body", reader="trek_mfa")
    field = Note._meta.get_field("body")
    with pytest.raises(NotSealed):
        field.open_text(case["stored"])
    assert open_plain(field, case["stored"], inside_rotation=True) == case["read"]


@pytest.mark.parametrize(("name", "type_name"), [("text", "TextField"), ("date", "DateField")])
def test_a_reader_is_told_the_plain_type(monkeypatch, trek, name, type_name):
    told = []

    class Reader:
        HAS_PREFIX = True

        @staticmethod
        def is_foreign(text):
            return True

        @staticmethod
        def open_foreign(text, *, internal_type):
            told.append(internal_type)
            return b"not a text, so it is the value"

    trek(f"testapp.Everything.{name}")
    monkeypatch.setattr("bt_security.fields.foreign.load_reader", lambda path: Reader)
    found = Everything._meta.get_field(name).open_text("enc")
    assert (told, found) == ([type_name], b"not a text, so it is the value")


def test_a_foreign_value_is_looked_up_by_nothing(trek, unguarded):
    person = Person.objects.create(name="Ann")
    trek("testapp.Person.name")
    assert Person.objects.get(name="ann") == person
