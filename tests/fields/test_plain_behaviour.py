"""Validation, forms and choices are those of the plain field."""

from __future__ import annotations

from enum import Enum
from operator import ne

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.migrations.writer import MigrationWriter
from django.test.utils import isolate_apps

from bt_security import fields
from bt_security.fields.codecs import StringCodec, TextCodec, codec_for
from bt_security.fields.context import Context
from tests.fields.conftest import CANARY
from tests.testapp.models import Everything, Letter, Note, OwnFields, Parcel


@pytest.mark.parametrize(
    ("model", "name", "value"),
    [
        (Everything, "char", "x" * 21),
        (Everything, "email", "no address"),
        (Everything, "url", "no address"),
        (Everything, "integer", 2**63),
        (Everything, "integer", -(2**63) - 1),
        (Everything, "decimal", "1.2345"),
        (Everything, "ip", "300.0.0.1"),
        (Everything, "json", object()),
        (OwnFields, "count", -1),
    ],
)
@pytest.mark.django_db
def test_a_value_that_the_plain_field_refuses_is_refused(model, name, value):
    with pytest.raises(ValidationError) as refusal:
        model(**{name: value}).clean_fields()
    assert name in refusal.value.message_dict


@pytest.mark.django_db
def test_the_range_is_that_of_an_integer_column_on_this_database():
    low, high = connection.ops.integer_field_range("IntegerField")
    field = Everything._meta.get_field("integer")
    assert (field.clean(low, None), field.clean(high, None)) == (low, high)
    for outside in (low - 1, high + 1):
        with pytest.raises(ValidationError):
            field.clean(outside, None)


@pytest.mark.parametrize(("name", "value"), [("char", "🔐" * 20), ("decimal", "999999999.999")])
@pytest.mark.django_db
def test_a_value_at_the_bound_is_accepted(name, value):
    exclude = {field.name for field in Everything._meta.fields} - {name}
    Everything(**{name: value}).clean_fields(exclude=exclude)


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "form_class"),
    [
        ("text", forms.CharField),
        ("char", forms.CharField),
        ("email", forms.EmailField),
        ("url", forms.URLField),
        ("json", forms.JSONField),
        ("integer", forms.IntegerField),
        ("float", forms.FloatField),
        ("decimal", forms.DecimalField),
        ("boolean", forms.NullBooleanField),
        ("date", forms.DateField),
        ("moment", forms.DateTimeField),
        ("uuid", forms.UUIDField),
        ("ip", forms.GenericIPAddressField),
    ],
)
def test_the_form_field_is_that_of_the_plain_field(name, form_class):
    options = {"assume_scheme": "https"} if name == "url" else {}
    assert type(Everything._meta.get_field(name).formfield(**options)) is form_class


@pytest.mark.once
def test_the_form_field_knows_the_length_of_the_plaintext():
    assert Everything._meta.get_field("char").formfield().max_length == 20


@pytest.mark.once
@isolate_apps("tests.testapp")
def test_choices_are_displayed_and_validated():
    class Sized(models.Model):
        size = fields.EncryptedCharField(max_length=1, choices=[("s", "small"), ("l", "large")])

        class Meta:
            app_label = "testapp"

    assert Sized(size="s").get_size_display() == "small"
    with pytest.raises(ValidationError):
        Sized(size="x").clean_fields()


class Colour(str, Enum):  # noqa: UP042 - its `str` is the name
    RED = "red"


@pytest.mark.django_db
def test_a_member_of_a_text_enum_is_stored_as_its_value():
    Everything.objects.create(char=Colour.RED)
    assert Everything.objects.get().char == "red"


class LowerField(models.CharField):
    """A text field of a host that stores another form than it is given."""

    def get_prep_value(self, value):
        return value.lower()


class WordsField(models.TextField):
    """A text field of a host whose Python value is a list."""

    def to_python(self, value):
        return value.split() if isinstance(value, str) else value

    def get_prep_value(self, value):
        return " ".join(value)


class SealedLowerField(fields.EncryptedFieldMixin, LowerField):
    pass


class SealedWordsField(fields.EncryptedFieldMixin, WordsField):
    pass


class OwnConversionField(fields.EncryptedTextField):
    def to_python(self, value):
        return super().to_python(value)


@pytest.mark.once
@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        (SealedLowerField(max_length=9), "LOUD", "loud"),
        (SealedWordsField(), ["two", "words"], ["two", "words"]),
    ],
)
def test_a_hosts_text_field_keeps_its_conversions(field, value, found):
    codec = codec_for(field)
    assert codec.decode(codec.encode(value)) == found


@pytest.mark.once
@pytest.mark.parametrize(
    ("field", "codec"),
    [
        (fields.EncryptedTextField(), StringCodec),
        (fields.EncryptedEmailField(), StringCodec),
        (fields.EncryptedGenericIPAddressField(), TextCodec),
        (OwnConversionField(), TextCodec),
    ],
)
def test_only_text_without_conversions_takes_the_short_way(field, codec):
    assert type(codec_for(field)) is codec


@pytest.mark.once
@pytest.mark.parametrize("model", [Everything, OwnFields, Note])
def test_migrations_import_from_the_package_and_hold_no_key(key, model):
    for field in model._meta.local_fields[1:]:
        written, imports = MigrationWriter.serialize(field)
        assert not any("bt_security.fields." in line for line in imports)
        assert key["first"].key_id not in written


@pytest.mark.once
def test_a_migration_records_the_context_and_every_option():
    field = fields.EncryptedCharField(
        max_length=9,
        lookup="digits",
        bind_to="owner",
        previous_contexts=["testapp.old.name"],
        previous_lookups=["exact"],
        allow_plaintext=True,
        confirm_lookup=True,
        context="testapp.note.body",
    )
    options = field.deconstruct()[3]
    assert options == {
        "max_length": 9,
        "lookup": "digits",
        "bind_to": ["owner"],
        "previous_contexts": ["testapp.old.name"],
        "previous_lookups": ["exact"],
        "allow_plaintext": True,
        "confirm_lookup": True,
        "context": Context("testapp.note.body"),
    }


@pytest.mark.once
def test_contexts_are_equal_to_each_other_and_to_their_own_text_only():
    one, two = Context("a.b.c"), Context("x.y.z")
    assert one == two
    assert not ne(one, two)
    assert hash(one) == hash(two)
    assert one == "a.b.c"
    assert one != "x.y.z"


@pytest.mark.once
@pytest.mark.parametrize(
    ("lookup", "text"), [("phone", "unknown lookup"), (lambda value: value, "top level")]
)
def test_a_lookup_that_migrations_cannot_name_is_refused(lookup, text):
    with pytest.raises(ValueError, match=text):
        fields.EncryptedTextField(lookup=lookup)


@pytest.mark.django_db
def test_an_inherited_field_is_sealed_for_the_inheriting_model(cell):
    letter, parcel = Letter.objects.create(memo=CANARY), Parcel.objects.create(memo="")
    cell(parcel, "memo").text = cell(letter, "memo").text
    assert Letter.objects.get().memo == CANARY
    assert type(Parcel.objects.get().__dict__["memo"]) is fields.Unreadable


def test_a_pre_save_of_the_host_s_field_is_called():
    class Shouting(models.CharField):
        def pre_save(self, model_instance, add):
            return super().pre_save(model_instance, add).upper()

    class EncryptedShouting(fields.EncryptedFieldMixin, Shouting):
        pass

    with isolate_apps("tests.testapp"):

        class Speech(models.Model):
            words = EncryptedShouting(max_length=20)

            class Meta:
                app_label = "testapp"

        field = Speech._meta.get_field("words")
        stored = field.get_db_prep_save(field.pre_save(Speech(words="quiet"), True), connection)
        assert field.open_text(stored) == "QUIET"
