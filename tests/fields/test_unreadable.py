"""A value that does not open: named when it is read, kept when its row is saved."""

from __future__ import annotations

import pickle

import pytest
from django.forms import BoundField, modelform_factory

from bt_security.crypto import aad_tail
from bt_security.exceptions import NotSealed, OpenRefused, RetiredKey, Tampered, WrongKey
from bt_security.fields import Sealed, Unreadable
from tests.fields.conftest import CANARY, break_text
from tests.testapp.models import Everything, Letter, Note, OwnFields, Person, Pet, ProxyNote, Wide

pytestmark = pytest.mark.django_db


BROKEN = {
    "unknown key": WrongKey,
    "cut": Tampered,
    "flipped": Tampered,
    "wrong key": WrongKey,
    "retired": RetiredKey,
    "moved": Tampered,
    "plaintext": NotSealed,
    "sealed shape": Tampered,
}


@pytest.fixture(params=BROKEN)
def broken(request, key, cell, note):
    """A row whose value does not open, with the error that says why."""
    column = cell(note, "body")
    match request.param:
        case "wrong key":
            key.use("second")
        case "retired":
            key.use("database")
            note.save()
            key.use("second")
        case "moved":
            column.text = Letter._meta.get_field("memo").seal("of another model")
        case "plaintext":
            request.getfixturevalue("unguarded")
            column.text = CANARY
        case "sealed shape":
            column.text = column.text[:-1] + "*"
        case how:
            column.text = break_text(column.text, how)
    return BROKEN[request.param], column.text


@pytest.mark.feature("BT-26")
def test_reading_the_attribute_names_the_place_and_quotes_nothing(broken, note):
    """A value that does not open is an error with model, field and key, never a plaintext."""
    error, text = broken
    found = Note.objects.get()
    with pytest.raises(error) as refusal:
        _ = found.body
    assert (refusal.value.model, refusal.value.field) == ("testapp.Note", "body")
    assert refusal.value.pk == note.pk
    assert f"testapp.Note.body (primary key {note.pk})" in str(refusal.value)
    assert text not in str(refusal.value)
    assert CANARY not in str(refusal.value)


def test_a_list_with_the_row_renders(broken):
    Note.objects.create(title="next", body="fine")
    assert [str(each) for each in Note.objects.order_by("pk")] == ["plain title", "next"]


def test_values_give_the_placeholder(broken):
    error, _ = broken
    (found,) = Note.objects.values_list("body", flat=True)
    assert type(found) is Unreadable
    assert type(found.error) is error


def by_save(found):
    found.title = "changed"
    found.save()


def by_update_fields(found):
    found.title = "changed"
    found.save(update_fields=["title"])


def by_both_columns(found):
    found.title = "changed"
    found.save(update_fields=["title", "body"])


def by_bulk_update(found):
    found.title = "changed"
    Note.objects.bulk_update([found], ["title"])


def by_update(found):
    Note.objects.update(title="changed")


def by_update_or_create(found):
    Note.objects.update_or_create(pk=found.pk, defaults={"title": "changed"})


def by_raw_save(found):
    found.title = "changed"
    found.save_base(raw=True)


def by_proxy(found):
    by_raw_save(ProxyNote.objects.get())


@pytest.mark.parametrize(
    "save",
    [
        *(by_save, by_update_fields, by_both_columns, by_bulk_update, by_update),
        *(by_update_or_create, by_raw_save, by_proxy),
    ],
)
def test_saving_another_column_keeps_the_text_byte_for_byte(broken, cell, note, save):
    _, text = broken
    save(Note.objects.get())
    assert cell(note, "body").text == text
    assert Note.objects.get().title == "changed"


@pytest.mark.parametrize("save", [by_save, by_update_fields, by_bulk_update])
def test_the_attribute_still_raises_after_a_save(broken, save):
    error, _ = broken
    found = Note.objects.get()
    save(found)
    with pytest.raises(error):
        _ = found.body


def test_a_new_value_takes_the_place_of_the_unreadable_one(broken):
    found = Note.objects.get()
    found.body = "new"
    found.save()
    assert Note.objects.get().body == "new"


def test_a_form_names_the_value_and_saves_the_other_columns(broken, cell, note):
    error, text = broken
    kind = modelform_factory(Note, fields=["title", "body"])
    page = kind(instance=Note.objects.get()).as_p()
    assert f"cannot be read: {error.reason}. It stays as it is stored." in page
    assert 'name="body"' not in page
    assert text not in page
    form = kind({"title": "new", "body": "typed"}, instance=Note.objects.get())
    assert form.changed_data == ["title"]
    form.save()
    assert (cell(note, "body").text, Note.objects.get().title) == (text, "new")


def test_other_forms_of_the_class_are_as_before(broken):
    kind = modelform_factory(Note, fields=["title", "body"])
    assert kind({"title": "t", "body": "x"}, instance=Note.objects.get()).is_valid()
    other = Note.objects.create(title="next", body="fine")
    assert "fine</textarea>" in kind(instance=other).as_p()
    assert kind({"title": "t", "body": "typed"}, instance=other).save().body == "typed"
    assert kind({"title": "t", "body": "typed"}).save().body == "typed"


def form_field(field, **options):
    if field.name == "url":
        options["assume_scheme"] = "https"  # Django 5.2 warns without it
    return field.formfield(**options)


@pytest.mark.parametrize("name", [field.name for field in Everything._meta.fields[1:]])
def test_a_form_of_any_class_of_field_names_the_value(cell, name):
    stored = Everything.objects.create(**{name: None})
    cell(stored, name).text = "e2:00000000:" + "A" * 40
    if not Everything._meta.get_field(name).editable:
        return
    kind = modelform_factory(Everything, fields=[name], formfield_callback=form_field)
    assert (
        "cannot be read: sealed with a key that is not configured"
        in kind(instance=Everything.objects.get()).as_p()
    )
    before = cell(stored, name).text
    kind({name: ""}, instance=Everything.objects.get()).save()
    assert cell(stored, name).text == before


def test_a_form_with_a_bound_field_class_of_its_own_keeps_it(note, cell):
    class Own(BoundField):
        pass

    class OwnForm(modelform_factory(Note, fields=["body"])):
        bound_field_class = Own

    assert type(OwnForm(instance=note)["body"]) is Own
    cell(note, "body").text = break_text(cell(note, "body").text, "flipped")
    assert type(OwnForm(instance=Note.objects.get())["body"]) is Own


def test_a_value_that_was_deferred_is_an_error_of_the_form(broken):
    error, _ = broken
    with pytest.raises(error):
        modelform_factory(Note, fields=["body"])(instance=Note.objects.defer("body").get())


def test_a_form_without_the_field_saves_the_other_columns(broken, cell, note):
    _, text = broken
    form = modelform_factory(Note, fields=["title"])({"title": "new"}, instance=Note.objects.get())
    form.save()
    assert (cell(note, "body").text, Note.objects.get().title) == (text, "new")


def test_a_deferred_value_is_named_when_it_is_read(broken):
    error, _ = broken
    with pytest.raises(error, match=r"testapp\.Note\.body \(primary key"):
        _ = Note.objects.defer("body").get().body


def test_a_refreshed_row_is_named(broken, note):
    error, _ = broken
    with pytest.raises(error, match=r"testapp\.Note\.body \(primary key"):
        note.refresh_from_db()


def test_a_copy_of_the_row_can_be_made(broken, cell):
    _, text = broken
    found = Note.objects.get()
    found.pk = None
    found._state.adding = True
    found.save()
    assert cell(found, "body").text == text


def test_pickles_keep_the_placeholder(broken, cell, note):
    error, text = broken
    again = pickle.loads(pickle.dumps(Note.objects.get()))
    again.save()
    assert cell(note, "body").text == text
    with pytest.raises(error):
        _ = again.body


def test_a_related_row_that_does_not_open_breaks_no_join(cell):
    owner = Person.objects.create(name="Ann", team="red")
    Pet.objects.create(owner=owner, label="cat")
    cell(owner, "name").text = break_text(cell(owner, "name").text, "flipped")
    assert Pet.objects.select_related("owner").get().owner.team == "red"


def test_a_text_of_another_column_of_the_same_row_does_not_open(cell):
    stored = Wide.objects.create(c01=CANARY)
    cell(stored, "c02").text = cell(stored, "c01").text
    found = Wide.objects.get()
    assert found.c01 == CANARY
    with pytest.raises(Tampered, match=r"Wide\.c02"):
        _ = found.c02


@pytest.mark.parametrize(
    ("model", "name", "content"),
    [
        (Everything, "integer", b"x"),
        (Everything, "json", b"{"),
        (Everything, "date", b"x"),
        (Everything, "boolean", b"2"),
        (Everything, "text", b"\xff"),
        (OwnFields, "duration", b"x"),
    ],
)
def test_content_that_is_no_value_of_the_type_is_tampered(key, cell, model, name, content):
    field = model._meta.get_field(name)
    stored = model.objects.create(**{name: None})
    cell(stored, name).text = key["first"].seal(content, tail=aad_tail(field.context))
    with pytest.raises(Tampered):
        getattr(model.objects.get(), name)


@pytest.mark.parametrize("text", ["", "e2:00000000:", "e2:00000000:=", "e2:00000000:" + "A" * 41])
def test_no_stored_text_is_an_error_of_its_own_kind(unguarded, cell, note, text):
    cell(note, "body").text = text
    with pytest.raises(OpenRefused):
        _ = Note.objects.get().body


@pytest.mark.parametrize("box", ["", "====", "AAA=", "A" * 40 + "="])
def test_a_malformed_text_under_the_right_key_does_not_open(unguarded, key, cell, note, box):
    cell(note, "body").text = key["first"].prefix + box
    with pytest.raises((Tampered, NotSealed)):
        _ = Note.objects.get().body


def test_another_spelling_of_the_same_base64_does_not_open(cell, note):
    note.body = "x"  # 29 bytes: one `=` at the end, two bits left over before it
    note.save()
    text = cell(note, "body").text
    assert text[-1] == "="
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = alphabet[alphabet.index(text[-2]) + 1]
    cell(note, "body").text = f"{text[:-2]}{other}="
    with pytest.raises(Tampered, match="not canonical"):
        _ = Note.objects.get().body


def test_a_placeholder_holds_no_traceback(note, cell):
    cell(note, "body").text = break_text(cell(note, "body").text, "flipped")
    assert Note.objects.get().__dict__["body"].error.__traceback__ is None


def test_placeholders_say_their_error_and_nothing_else(note, cell):
    cell(note, "body").text = break_text(cell(note, "body").text, "unknown key")
    found = Note.objects.values_list("body", flat=True).get()
    assert f"{found} {found!r}" == "<Unreadable: WrongKey> <Unreadable: WrongKey>"


def test_a_raw_save_of_a_sealed_object_stores_it(note, cell):
    note.body = Sealed(Note._meta.get_field("body").seal("other"))
    note.save_base(raw=True)
    assert Note.objects.get().body == "other"
