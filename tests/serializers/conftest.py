"""Our serializers in place, and the tables of the fleet."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.core import serializers
from django.db import connections

from bt_security.fields.serializers import use_sealed_serializers

FORMATS = ["json", "jsonl", "xml", "yaml", "python"]
TEXT_FORMATS = ["json", "jsonl", "xml", "yaml"]


@pytest.fixture(autouse=True)
def _sealed_serializers(monkeypatch):
    monkeypatch.setattr(serializers, "BUILTIN_SERIALIZERS", {**serializers.BUILTIN_SERIALIZERS})
    monkeypatch.setattr(serializers, "_serializers", {})
    use_sealed_serializers()


@pytest.fixture
def fleet(settings, transactional_db):
    """The models of `tests.serializers.fleet`, with tables on both databases."""
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "tests.serializers.fleet"]
    module = apps.get_app_config("fleet").models_module
    models = [module.Owner, module.Car, module.Trip]
    for alias in ("default", "other"):
        with connections[alias].schema_editor() as editor:
            for model in models:
                editor.create_model(model)
    yield module
    for alias in ("default", "other"):
        with connections[alias].schema_editor() as editor:
            for model in reversed(models):
                editor.delete_model(model)


def stored(instance, name: str, using: str = "default") -> str | None:
    """Return the text that the database has in a column."""
    field = instance._meta.get_field(name)
    table, column = field.model._meta.db_table, field.column
    key = field.model._meta.pk
    with connections[using].cursor() as cursor:
        quote = connections[using].ops.quote_name
        cursor.execute(
            f"SELECT {quote(column)} FROM {quote(table)} WHERE {quote(key.column)} = %s",
            [key.get_db_prep_value(instance.pk, connections[using])],
        )
        (text,) = cursor.fetchone()
    return text
