"""Renames keep values readable once the former context is named, and indexes in step."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, migrations, transaction

from bt_security import fields
from bt_security.exceptions import Tampered
from tests.migrations.conftest import column, run_sql
from tests.migrations.models_of_garage import TABLE, car, plate

INDEX = fields.BlindIndexField


def indexed_car(**options):
    return car(("plate", plate(**options)), ("plate_index", INDEX(source="plate", unique=True)))


def renamed(**options):
    return fields.EncryptedCharField(
        lookup="exact", max_length=40, previous_contexts=["garage.car.plate"], **options
    )


@pytest.fixture
def filled(story):
    story.add("0001_initial", [indexed_car(null=True)])
    rows = story.model("0001_initial", "Car").objects
    for value in ("B 1", "B 2", None, None):
        rows.create(plate=value)
    return story


def test_a_renamed_field_opens_under_its_previous_context(filled):
    filled.add("0002_rename", [migrations.RenameField("car", "plate", "sign")])
    with pytest.raises(Tampered):
        _ = filled.model("0002_rename", "Car").objects.order_by("id")[0].sign
    filled.add("0003_context", [migrations.AlterField("car", "sign", renamed(null=True))])
    rows = filled.model("0003_context", "Car").objects.order_by("id")
    assert [row.sign for row in rows] == ["B 1", "B 2", None, None]
    assert rows.get(sign="B 2").pk == rows[1].pk


def test_the_index_of_a_renamed_field_goes_on(filled):
    filled.add("0002_rename", [migrations.RenameField("car", "plate", "sign")])
    filled.add("0003_context", [migrations.AlterField("car", "sign", renamed(null=True))])
    rows = filled.model("0003_context", "Car").objects
    before = column(TABLE, "plate_index")
    rows.create(sign="B 3")
    after = column(TABLE, "plate_index")
    assert after[:4] == before
    assert after[4] == rows.get(sign="B 3").plate_index
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.create(sign="B 3")


def test_field_and_index_are_renamed_together_and_back(filled):
    operations = [
        migrations.RenameField("car", "plate", "sign"),
        migrations.RenameField("car", "plate_index", "sign_index"),
    ]
    filled.add("0002_rename", operations)
    filled.add("0003_context", [migrations.AlterField("car", "sign", renamed(null=True))])
    model = filled.model("0003_context", "Car")
    assert model._meta.get_field("sign_index").source == "sign"
    assert model.objects.filter(sign="B 1").exists()
    model = filled.model("0001_initial", "Car")
    assert [row.plate for row in model.objects.order_by("id")] == ["B 1", "B 2", None, None]
    assert model.objects.filter(plate="B 1").exists()


def test_a_renamed_index_alone_goes_on(filled):
    filled.add("0002_rename", [migrations.RenameField("car", "plate_index", "found_by")])
    assert filled.model("0002_rename", "Car").objects.filter(plate="B 1").exists()


def test_a_renamed_model_opens_under_its_previous_context(filled):
    filled.add("0002_rename", [migrations.RenameModel("Car", "Van")])
    field = fields.EncryptedCharField(
        lookup="exact", max_length=40, null=True, previous_contexts=["garage.car.plate"]
    )
    filled.add("0003_context", [migrations.AlterField("van", "plate", field)])
    rows = filled.model("0003_context", "Van").objects.order_by("id")
    assert [row.plate for row in rows] == ["B 1", "B 2", None, None]
    assert rows.filter(plate="B 1").exists()
    rows = filled.model("0001_initial", "Car").objects.order_by("id")
    assert [row.plate for row in rows] == ["B 1", "B 2", None, None]


def test_the_check_survives_renames(filled):
    filled.add(
        "0002_rename",
        [migrations.RenameField("car", "plate", "sign"), migrations.RenameModel("Car", "Van")],
    )
    filled.to("0002_rename")
    with pytest.raises(IntegrityError), transaction.atomic():
        run_sql("UPDATE garage_van SET sign = %s WHERE id = 1", "plaintext")


def test_fields_are_removed_and_come_back(filled):
    filled.add(
        "0002_remove",
        [migrations.RemoveField("car", "plate_index"), migrations.RemoveField("car", "plate")],
    )
    filled.to("0002_remove")
    assert run_sql("SELECT COUNT(*) FROM garage_car")[0][0] == 4
    model = filled.model("0001_initial", "Car")
    assert [row.plate for row in model.objects.all()] == [None] * 4
    model.objects.create(plate="B 1")
    assert model.objects.filter(plate="B 1").exists()
