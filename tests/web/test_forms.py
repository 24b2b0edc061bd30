"""What JSON becomes in a form, and which values are refused."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest
from django import forms
from django.core.exceptions import ImproperlyConfigured

from bt_security.web.field_schema import field_schema, form_schema
from bt_security.web.form_data import valid_form
from tests.testapp.models import Account
from tests.web.site import ThingForm

pytestmark = [pytest.mark.once, pytest.mark.django_db]


def post(client, body):
    return client.post("/api/things", body, content_type="application/json")


def patch(client, body):
    return client.patch("/api/things", body, content_type="application/json")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("name", 1), ("name", ["a"]), ("name", {}), ("name", True)),
        *(("count", "1"), ("count", 1.5), ("count", True), ("count", [1])),
        *(("ratio", "0.5"), ("price", True), ("is_new", 1), ("is_new", "true")),
        *(("is_known", "yes"), ("colour", 1), ("size", "1"), ("colours", "red")),
        *(("colours", [1]), ("day", 20260101), ("owner", [1]), ("owner", 1.0)),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(client, field, value):
    answer = post(client, {"name": "a", field: value})
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_FAILED")
    assert list(answer.json()["fields"]) == [field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("name", ""), ("name", None), ("name", "a" * 21), ("name", "a\0")),
        *(("count", 11), ("count", 10**30), ("price", "much"), ("colour", "green")),
        *(("colours", ["green"]), ("day", "tomorrow"), ("owner", 10**30), ("owner", "x")),
    ],
)
def test_a_value_that_the_form_does_not_take_is_refused(client, field, value):
    answer = post(client, {"name": "a", field: value})
    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == [field]


def test_an_unknown_field_is_refused(client):
    answer = post(client, {"name": "a", "is_staff": True})
    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == ["is_staff"]


def test_an_unknown_field_of_a_form_is_refused(client):
    answer = client.post("/api/things", {"name": "a", "is_staff": "1"})
    assert list(answer.json()["fields"]) == ["is_staff"]


@pytest.mark.parametrize(
    ("field", "value", "cleaned"),
    [
        ("note", None, ""),
        ("count", 10, 10),
        ("price", 0.1, "0.1"),
        ("price", "0.10", "0.10"),
        ("ratio", 1, 1.0),
        ("is_new", True, True),
        ("is_new", False, False),
        ("is_known", False, False),
        ("is_known", None, None),
        ("colour", "red", "red"),
        ("size", 2, 2),
        ("colours", ["red", "blue"], ["red", "blue"]),
        ("colours", [], []),
        ("colours", None, []),
        ("day", "2026-01-31", "2026-01-31"),
        ("data", {"a": [1, "x", None]}, {"a": [1, "x", None]}),
        ("data", "text", "text"),
        ("data", None, None),
        ("password", " two words ", " two words "),
    ],
)
def test_a_value_arrives_as_it_was_sent(client, field, value, cleaned):
    answer = post(client, {"name": "a", field: value})
    assert answer.status_code == 201, answer.json()
    assert answer.json()[field] == cleaned


class LinesForm(forms.Form):
    """Several choices in every form that a page gives them."""

    listed = forms.MultipleChoiceField(choices=[("a", "A")], required=False)
    ticked = forms.MultipleChoiceField(
        choices=[("a", "A")], widget=forms.CheckboxSelectMultiple, required=False
    )
    hidden = forms.TypedMultipleChoiceField(
        choices=[(1, "A")], coerce=int, widget=forms.MultipleHiddenInput, required=False
    )
    owners = forms.ModelMultipleChoiceField(
        Account.objects.all(), widget=forms.CheckboxSelectMultiple, required=False
    )


@pytest.mark.parametrize("field", LinesForm.base_fields)
def test_null_empties_several_choices_whatever_their_widget(rf, field):
    request = rf.post("/", {field: None}, content_type="application/json")
    assert list(valid_form(LinesForm, request, None).cleaned_data[field]) == []


@pytest.mark.parametrize(
    "digits", ["1.10", "-0.00", "0.1234567890123456789", "12345678901234567.89", "1e-7", "1E+2"]
)
def test_a_decimal_number_keeps_its_digits(client, digits):
    answer = post(client, f'{{"name": "a", "price": {digits}}}')
    assert answer.status_code == 201, answer.json()
    assert answer.json()["price"] == str(Decimal(digits))


def test_a_number_inside_json_data_is_a_number(client):
    answer = post(client, '{"name": "a", "data": [1.50, {"b": 2e1}]}')
    assert answer.json()["data"] == [1.5, {"b": 20.0}]


def test_a_row_is_named_by_its_key(client, user):
    assert post(client, {"name": "a", "owner": user.pk}).json()["owner"] == user.pk


@pytest.mark.feature("BD-13")
@pytest.mark.parametrize("body", [{}, {"count": 3}, {"note": None, "is_new": False}])
def test_a_partial_update_has_the_fields_that_were_sent(client, body):
    """A PATCH changes the fields it names; a field that was left out is neither None nor empty."""
    answer = patch(client, body)
    assert answer.status_code == 200
    assert answer.json().keys() == body.keys()


@pytest.mark.feature("BD-13")
def test_a_partial_update_cannot_empty_what_is_required(client):
    """A PATCH with null for a required field is refused."""
    assert list(patch(client, {"name": None}).json()["fields"]) == ["name"]


def test_the_schema_says_what_a_form_takes():
    schema = form_schema(ThingForm.base_fields)
    fields = schema["properties"]
    assert (schema["required"], schema["additionalProperties"]) == (["name"], False)
    assert fields["name"]["minLength"] == 1
    assert fields["name"]["maxLength"] == 20
    assert (fields["count"]["minimum"], fields["count"]["maximum"]) == (0, 10)
    assert fields["colour"]["enum"] == ["red", "blue", None]
    assert fields["size"]["enum"] == [1, 2, None]
    assert fields["size"]["type"] == ["integer", "null"]
    assert fields["colours"]["items"]["enum"] == ["red", "blue"]
    assert (fields["password"]["format"], fields["password"]["writeOnly"]) == ("password", True)
    assert "required" not in form_schema(ThingForm.base_fields, is_partial=True)


@pytest.mark.parametrize(
    ("field", "kind", "form"),
    [
        (forms.EmailField(), "string", "email"),
        (forms.URLField(assume_scheme="https"), "string", "uri"),
        (forms.UUIDField(), "string", "uuid"),
        (forms.DateTimeField(), "string", "date-time"),
        (forms.TimeField(), "string", "time"),
        (forms.SlugField(label="Short name", help_text="Letters."), "string", None),
        (forms.IntegerField(max_value=lambda: 3), "integer", None),
        (forms.ModelMultipleChoiceField(None), "array", None),
    ],
)
def test_every_usual_field_has_a_schema(field, kind, form):
    schema = field_schema(field)
    assert (schema["type"], schema.get("format")) == (kind, form)


def test_label_and_help_are_in_the_schema():
    schema = field_schema(forms.SlugField(label="Short name", help_text="Letters."))
    assert (schema["title"], schema["description"]) == ("Short name", "Letters.")


def test_choices_that_are_not_known_yet_are_not_listed():
    assert field_schema(forms.ChoiceField(choices=list)) == {"type": "string"}


def test_a_limit_may_be_a_callable():
    assert field_schema(forms.IntegerField(max_value=lambda: 3))["maximum"] == 3


@pytest.mark.parametrize("field", [forms.FileField(), forms.SplitDateTimeField()])
def test_a_field_without_a_json_form_is_refused(field):
    with pytest.raises(ImproperlyConfigured, match="JSON"):
        field_schema(field)


def test_a_uuid_is_sent_as_text():
    schema = field_schema(forms.UUIDField())
    assert schema["type"] == "string"
    assert forms.UUIDField().clean(str(uuid.UUID(int=1))) == uuid.UUID(int=1)
