"""Pieces that the histories are made of."""

from __future__ import annotations

from django.db import migrations, models

from bt_security import fields

KEYS = [("bt_security", "0001_setting")]
TABLE = "garage_car"


def identity():
    return ("id", models.BigAutoField(primary_key=True, serialize=False))


def car(*columns) -> migrations.CreateModel:
    return migrations.CreateModel("Car", fields=[identity(), *columns])


def plate(**options):
    options.setdefault("max_length", 40)
    return fields.EncryptedCharField(lookup="exact", context="garage.car.plate", **options)


def seal_plates(apps, schema_editor) -> None:
    """Seal the plaintext of a column that is being moved."""
    model = apps.get_model("garage", "Car")
    for row in model.objects.using(schema_editor.connection.alias):
        row.save(update_fields=["plate"])


def open_plates(apps, schema_editor) -> None:
    """Leave the values as they are: reading plaintext and sealed text works there."""


def copy_notes(apps, schema_editor) -> None:
    """Fill two encrypted columns from a plain one, one of them bound to its row."""
    model = apps.get_model("garage", "Car")
    for row in model.objects.all():
        row.secret = row.bound = f"sealed {row.note}"
        row.save()


def check_notes(apps, schema_editor) -> None:
    """Read them by a historical model."""
    model = apps.get_model("garage", "Car")
    for row in model.objects.all():
        assert row.secret == row.bound == f"sealed {row.note}"


class NoGarage:
    """A router that keeps the garage out of every database."""

    def allow_migrate(self, db, app_label, **hints):
        return app_label != "garage"
