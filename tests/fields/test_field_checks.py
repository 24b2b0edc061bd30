"""System checks of encrypted fields and blind indexes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.core.checks import ERROR, WARNING
from django.db import models
from django.test.utils import isolate_apps

from bt_security import fields
from tests.testapp.models import Account

pytestmark = pytest.mark.once

PAGE = Path(__file__).parents[2] / "docs" / "checks.md"
LEVELS = {"E": ERROR, "W": WARNING}


def findings(meta=None, **columns):
    """Return what the checks say of a throw-away model, ours and nothing else."""
    with isolate_apps("tests.testapp"):
        options = type("Meta", (), {"app_label": "testapp", **(meta or {})})
        body = {"__module__": "tests.testapp.models", "Meta": options, **columns}
        model = type("Thrown", (models.Model,), body)
        for column in model._meta.local_fields:
            if column.remote_field:
                column.remote_field.model = Account
        found = [message for field in model._meta.local_fields for message in field.check()]
    return [message for message in found if message.id.startswith("bt_security.")]


def ids(**columns):
    return [message.id.removeprefix("bt_security.") for message in findings(**columns)]


SMALL = [("a", "A"), ("b", "B")]
FAULTS = {
    "E020": {"name": fields.EncryptedCharField(max_length=9, primary_key=True)},
    "E021": {"name": fields.EncryptedCharField(max_length=9, db_index=True)},
    "E022": {"name": fields.EncryptedCharField(max_length=9, unique=True)},
    "E023": {"name": fields.EncryptedCharField(max_length=1, choices=SMALL, lookup="exact")},
    "E024": {"name": fields.EncryptedCharField(max_length=9, bind_to=["nothing"])},
    "E025": {"index": fields.BlindIndexField(source="nothing")},
    "E026": {"name": fields.EncryptedTextField(), "index": fields.BlindIndexField(source="name")},
    "W020": {"name": fields.EncryptedTextField(), "meta": {"ordering": ["-name"]}},
}


@pytest.mark.parametrize("number", FAULTS)
def test_a_fault_has_its_number(number):
    (found,) = findings(**FAULTS[number])
    assert (found.id, found.level) == (f"bt_security.{number}", LEVELS[number[0]])
    assert found.obj.name in {"name", "index"}
    assert found.hint


@pytest.mark.parametrize("number", FAULTS)
def test_a_number_has_its_section(number):
    assert re.search(rf"^## {number}$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def indexed(*, unique=True, **options):
    return {
        "name": fields.EncryptedCharField(max_length=9, lookup="exact", **options),
        "index": fields.BlindIndexField(source="name", unique=unique),
    }


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (indexed(unique=True), []),
        (indexed(unique=False), []),
        ({"name": indexed()["name"]}, []),
    ],
)
def test_what_is_right_is_not_reported(columns, expected):
    assert ids(**columns) == expected


def test_a_unique_field_needs_a_unique_index():
    columns = indexed(unique=False)
    columns["name"]._unique = True
    assert ids(**columns) == ["E022"]


@pytest.mark.parametrize(
    "field",
    [
        fields.EncryptedBooleanField(lookup="exact"),
        fields.EncryptedDateField(lookup="exact"),
        fields.EncryptedDateTimeField(lookup="exact"),
    ],
)
def test_an_index_on_few_values_has_to_be_confirmed(field):
    assert ids(name=field) == ["E023"]
    confirmed = field.clone()
    confirmed.confirm_lookup = True
    assert ids(name=confirmed) == []


PARENT = {"related_name": "+"}
BAD_COLUMNS = {
    "there is no such field": None,
    "it is not a plain column": fields.EncryptedTextField(),
    "the database gives its value": models.AutoField(primary_key=True),
    "on_delete changes it": models.ForeignKey(Account, models.SET_NULL, null=True, **PARENT),
    "on_delete changes it without": models.ForeignKey(
        Account, models.SET_DEFAULT, default=1, **PARENT
    ),
    "neither integers, text nor UUIDs": models.BooleanField(),
    "neither integers, text": models.DateField(),
}


@pytest.mark.parametrize("problem", BAD_COLUMNS)
def test_a_column_that_nothing_can_be_bound_to_is_reported(problem):
    column = BAD_COLUMNS[problem]
    columns = {"name": fields.EncryptedTextField(bind_to=["column"])}
    if column is not None:
        columns["column"] = column.clone()
    (found,) = findings(**columns)
    assert found.id == "bt_security.E024"
    assert problem in found.msg


@pytest.mark.parametrize(
    "column",
    [
        models.IntegerField(),
        models.CharField(max_length=9),
        models.SlugField(),
        models.UUIDField(),
        models.ForeignKey(Account, models.CASCADE, **PARENT),
        models.ForeignKey(Account, models.PROTECT, **PARENT),
        models.OneToOneField(Account, models.CASCADE, **PARENT),
    ],
    ids=repr,
)
def test_a_column_that_a_value_may_be_bound_to_is_not_reported(column):
    assert ids(name=fields.EncryptedTextField(bind_to="column"), column=column.clone()) == []


@isolate_apps("tests.testapp")
def test_a_column_of_a_parent_table_is_reported():
    class Parent(models.Model):
        column = models.IntegerField()

        class Meta:
            app_label = "testapp"

    class Child(Parent):
        name = fields.EncryptedTextField(bind_to="column")

        class Meta:
            app_label = "testapp"

    (found,) = Child._meta.get_field("name").check()
    assert "a column of another table" in found.msg


def test_an_index_of_a_plain_field_is_reported():
    columns = {"name": models.TextField(), "index": fields.BlindIndexField(source="name")}
    assert ids(**columns) == ["E025"]


def test_the_models_of_the_test_site_have_no_findings():
    for model in apps.get_app_config("testapp").get_models():
        assert [found for found in model.check() if found.id.startswith("bt_security.")] == []
