"""System checks of the project around the fields."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.core import serializers
from django.core.checks import ERROR, Tags, run_checks
from django.core.checks.registry import registry
from django.db import migrations, models

from bt_security import fields
from bt_security.fields import model_checks
from bt_security.fields.admin_checks import check_admin
from bt_security.fields.blind_index import source_in
from bt_security.fields.guard import unguarded_columns
from bt_security.fields.model_checks import (
    check_contexts,
    check_fixture_formats,
    check_foreign_columns,
    check_guards,
)
from bt_security.operations import GuardSealedColumn
from tests.migrations.conftest import run_sql
from tests.migrations.models_of_garage import car, plate
from tests.source_tree import PACKAGE, ROOT
from tests.testapp.models import Account, Note, Person, Pet

INDEX = fields.BlindIndexField


def ids(messages) -> list[str]:
    return [message.id.removeprefix("bt_security.") for message in messages]


def define(name: str, **columns):
    """Make the live model of the garage."""
    meta = type("Meta", (), {"app_label": "garage"})
    body = {"__module__": "tests.migrations.garage.models", "Meta": meta, **columns}
    return type(name, (models.Model,), body)


@pytest.fixture
def renamed(story):
    """`plate` is `sign` by a migration that says nothing of contexts."""
    columns = (("plate", plate(null=True)), ("plate_index", INDEX(source="plate")))
    story.add("0001_initial", [car(*columns)])
    story.add("0002_rename", [migrations.RenameField("car", "plate", "sign")])
    return story


@pytest.mark.usefixtures("renamed")
@pytest.mark.parametrize("previous", [[], ["garage.car.other"]])
def test_a_rename_without_previous_context_is_e027(previous):
    define(
        "Car",
        sign=fields.EncryptedCharField(max_length=40, lookup="exact", previous_contexts=previous),
        plate_index=INDEX(source="sign"),
    )
    (error,) = check_contexts()
    assert (error.id, error.level) == ("bt_security.E027", ERROR)
    assert error.msg.startswith("garage.Car.sign was garage.car.plate in the migrations")
    assert 'previous_contexts=["garage.car.plate"]' in error.hint


@pytest.mark.usefixtures("renamed")
def test_a_rename_with_previous_context_passes():
    context = ["garage.car.plate"]
    define("Car", sign=fields.EncryptedCharField(max_length=40, previous_contexts=context))
    define("Van", sign=fields.EncryptedCharField(max_length=40))
    assert check_contexts() == []


@pytest.mark.usefixtures("renamed")
def test_a_field_that_no_migration_knows_yet_passes():
    define("Car", other=fields.EncryptedCharField(max_length=40))
    assert check_contexts() == []


def test_a_renamed_model_is_e027(renamed):
    renamed.add("0003_van", [migrations.RenameModel("Car", "Van")])
    context = ["garage.car.sign"]
    define("Van", sign=fields.EncryptedCharField(max_length=40, previous_contexts=context))
    assert ids(check_contexts()) == ["E027"]


@pytest.mark.usefixtures("renamed")
def test_an_index_of_another_field_is_e031():
    define(
        "Car",
        sign=fields.EncryptedCharField(max_length=40, previous_contexts=["garage.car.plate"]),
        other=fields.EncryptedCharField(max_length=40, lookup="exact"),
        plate_index=INDEX(source="other"),
    )
    (error,) = check_contexts()
    assert error.id == "bt_security.E031"
    assert "source='other', and 'sign' in the migrations" in error.msg


@pytest.mark.usefixtures("renamed")
def test_a_rename_that_has_no_migration_yet_leaves_its_index_alone():
    define(
        "Car",
        badge=fields.EncryptedCharField(max_length=40, lookup="exact"),
        plate_index=INDEX(source="badge"),
    )
    assert "E031" not in ids(check_contexts())


def test_an_app_without_migrations_passes(story, settings):
    settings.MIGRATION_MODULES = {"garage": None}
    define("Car", sign=fields.EncryptedCharField(max_length=40))
    story.package = ""
    assert check_contexts() == []


def test_only_apps_without_migrations_pass(story, settings):
    settings.MIGRATION_MODULES = {"garage": None, "testapp": None, "bt_security": None}
    define("Car", sign=fields.EncryptedCharField(max_length=40))
    story.package = ""
    assert check_contexts() == []


def test_a_site_without_encrypted_fields_passes(settings):
    settings.INSTALLED_APPS = ["django.contrib.contenttypes"]
    assert check_contexts() == []
    assert check_fixture_formats() == []
    assert check_admin() == []


def test_the_test_site_passes():
    assert [*check_contexts(), *check_foreign_columns(), *check_fixture_formats()] == []


# Which source an index of a migration has.


def source_of(**columns) -> str:
    return source_in(columns["index"], columns)


def test_a_single_field_without_index_is_the_source():
    other = fields.EncryptedTextField(lookup="exact")
    both = {"other": other, "other_index": INDEX(source="other")}
    index = INDEX(source="gone")
    assert source_of(index=index, sign=fields.EncryptedTextField(lookup="exact"), **both) == "sign"
    assert source_of(index=index, **both) == "gone"


# Foreign formats.


def test_a_foreign_format_of_no_encrypted_field_is_e030(settings):
    settings.BT_SECURITY_KEYS_FOREIGN_FORMATS = {
        "testapp.Note.title": ["x.y"],
        "testapp.note.body": ["x.y"],
        "testapp.Note.body": ["x.y"],
        "nothing": ["x.y"],
    }
    first, second = check_foreign_columns()
    assert (first.id, second.id) == ("bt_security.E030",) * 2
    assert "'nothing'" in first.msg
    assert "'testapp.Note.title'" in second.msg


def test_foreign_formats_of_a_wrong_type_are_left_to_e001(settings):
    settings.BT_SECURITY_KEYS_FOREIGN_FORMATS = ["a.A.a"]
    assert check_foreign_columns() == []


# Fixtures.


def test_a_serializer_of_the_host_is_w021(settings, monkeypatch):
    monkeypatch.setattr(serializers, "_serializers", {})
    settings.SERIALIZATION_MODULES = {
        "json": "django.core.serializers.json",
        "sealed": "bt_security.fields.serializers.json",
        "broken": "nothing.there",
    }
    (warning,) = check_fixture_formats()
    assert warning.id == "bt_security.W021"
    assert "format 'json'" in warning.msg
    assert "SealedSerializer" in warning.hint


def test_a_format_that_is_not_registered_passes(settings, monkeypatch):
    settings.SERIALIZATION_MODULES = {"late": "django.core.serializers.json"}
    monkeypatch.setattr(serializers, "_serializers", {})
    monkeypatch.setattr(serializers, "_serializers", {"json": _module_of("json")})
    assert check_fixture_formats() == []


def _module_of(name: str):
    serializers.get_serializer(name)
    return serializers._serializers[name]


# The admin.


@pytest.fixture
def findings(monkeypatch):
    """Return what is found in a model admin, the only one there is."""

    def run(model, **options):
        monkeypatch.setattr(admin.sites, "all_sites", set())
        admin.AdminSite().register(model, type("Own", (admin.ModelAdmin,), options))
        return check_admin()

    return run


@pytest.mark.parametrize(
    ("model", "name", "path"),
    [
        (Account, "email", "email"),
        (Account, "^email", "email"),
        (Account, "@email", "email"),
        (Account, "email__icontains", "email"),
        (Person, "=code", "code"),
        (Person, "name__startswith", "name"),
        (Pet, "owner__name", "owner__name"),
        (Note, "body__exact", "body"),
    ],
)
def test_a_search_that_cannot_work_is_e028(findings, model, name, path):
    (error,) = findings(model, search_fields=["id", name])
    assert (error.id, error.level) == ("bt_security.E028", ERROR)
    assert f"search_fields has {name!r}" in error.msg
    assert f"'{path}__exact'" in error.hint


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (Account, "email__exact"),
        (Account, "=email"),
        (Pet, "owner__name__exact"),
        (Pet, "owner__pk__exact"),
        (Pet, "=label"),
        (Pet, "owner"),
        (Pet, "label__lower__contains"),
        (Note, "nothing"),
    ],
)
def test_a_search_that_works_passes(findings, model, name):
    assert findings(model, search_fields=(name,)) == []


class Own(admin.SimpleListFilter):
    title = parameter_name = "own"


class OwnFieldFilter(admin.FieldListFilter):
    pass


def test_filters_of_an_encrypted_field_are_e029(findings):
    filters = [
        "name",
        ("phone", admin.AllValuesFieldListFilter),
        ("code", OwnFieldFilter),
        Own,
        "team",
    ]
    found = findings(Person, list_filter=filters)
    assert ids(found) == ["E029", "E029"]
    assert "'name'" in found[0].msg
    assert ids(findings(Person, date_hierarchy="name")) == ["E029"]


def test_an_order_by_an_encrypted_field_is_w022(findings):
    expression = models.F("name").asc()
    assert ids(findings(Person, ordering=["-name", expression, "team"])) == ["W022"]
    assert findings(Person, ordering=None) == []


# The database.


@pytest.mark.django_db(databases=["default", "other"])
def test_every_column_of_the_test_site_is_guarded():
    assert check_guards(databases=["default", "other"]) == []
    assert check_guards() == []


def test_a_column_without_check_is_w023_by_name(story):
    columns = (
        ("plate", plate(null=True, allow_plaintext=True)),
        ("sign", fields.EncryptedTextField(null=True)),
    )
    story.add("0001_initial", [car(*columns)])
    story.to("0001_initial")
    define(
        "Car",
        plate=fields.EncryptedCharField(max_length=40, null=True),
        sign=fields.EncryptedTextField(null=True),
        not_there_yet=fields.EncryptedTextField(null=True),
    )
    define("Van", sign=fields.EncryptedTextField(null=True))
    assert unguarded_columns("default") == ["garage.Car.plate"]
    (warning,) = check_guards(databases=["default"])
    assert warning.id == "bt_security.W023"
    assert warning.msg.startswith("garage.Car.plate has no CHECK on database 'default'")


def test_a_column_that_is_being_moved_needs_no_check(story):
    story.add("0001_initial", [car(("plate", plate(null=True, allow_plaintext=True)))])
    story.to("0001_initial")
    define("Car", plate=fields.EncryptedCharField(max_length=40, allow_plaintext=True))
    assert unguarded_columns("default") == []


@pytest.mark.postgres
def test_a_check_that_is_not_validated_does_not_count(story):
    story.add("0001_initial", [car(("plate", plate(null=True)))])
    story.to("0001_initial")
    define("Car", plate=fields.EncryptedCharField(max_length=40, null=True))
    ((definition, name),) = run_sql(
        "SELECT pg_get_constraintdef(oid), conname FROM pg_constraint "
        "WHERE conrelid = 'garage_car'::regclass AND contype = 'c'"
    )
    run_sql(f"ALTER TABLE garage_car DROP CONSTRAINT {name}")
    run_sql(f"ALTER TABLE garage_car ADD CONSTRAINT {name} {definition} NOT VALID")
    assert unguarded_columns("default") == ["garage.Car.plate"]
    story.add("0002_guard", [GuardSealedColumn("car", "plate")], atomic=False)
    story.to("0002_guard")
    assert unguarded_columns("default") == []


def test_the_checks_are_registered_once():
    model_checks.register()
    before = list(registry.get_checks())
    model_checks.register()
    assert len(registry.get_checks()) == len(before)
    assert {*model_checks.MODEL_CHECKS, check_guards} <= set(before)


@pytest.mark.django_db
def test_the_database_check_runs_with_a_database_only():
    assert ids(run_checks(tags=[Tags.database], databases=["default"])) == []


@pytest.mark.once
@pytest.mark.parametrize("module", ["model_checks.py", "admin_checks.py"])
def test_an_id_has_its_section(module):
    numbers = re.findall(r'"([EW]\d{3})"', (PACKAGE / "fields" / module).read_text())
    page = (ROOT / "docs" / "checks.md").read_text()
    assert [number for number in numbers if f"\n## {number}\n" not in page] == []
