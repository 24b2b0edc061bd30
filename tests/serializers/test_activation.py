"""Which serializers are replaced, and what a host's own ones show."""

from __future__ import annotations

import json
import subprocess
import sys
import types

import pytest
from django.core import serializers
from django.core.serializers import json as django_json
from django.core.serializers.base import DeserializedObject

from bt_security.exceptions import NotSealed
from bt_security.fields.serializers import SealedSerializer, SealsFixtures, use_sealed_serializers
from tests.serializers.conftest import FORMATS
from tests.testapp import models

DJANGO_JSON = "django.core.serializers.json"


@pytest.mark.parametrize("kind", FORMATS)
def test_our_serializers_are_found_by_the_formats_name(kind):
    assert issubclass(serializers.get_serializer(kind), SealsFixtures)


def test_serializers_that_are_loaded_are_replaced(monkeypatch):
    builtin = {**serializers.BUILTIN_SERIALIZERS, "json": DJANGO_JSON}
    monkeypatch.setattr(serializers, "BUILTIN_SERIALIZERS", builtin)
    monkeypatch.setattr(serializers, "_serializers", {})
    assert serializers.get_serializer("json") is django_json.Serializer
    use_sealed_serializers()
    assert issubclass(serializers.get_serializer("json"), SealsFixtures)


def test_a_serializer_of_the_host_stays(settings, monkeypatch):
    monkeypatch.setattr(serializers, "_serializers", {})
    settings.SERIALIZATION_MODULES = {"json": DJANGO_JSON, "xml": "tests.serializers.samples"}
    serializers.get_serializer_formats()
    own = types.ModuleType("own")
    own.Serializer = own.Deserializer = object
    monkeypatch.setitem(serializers._serializers, "json", own)
    use_sealed_serializers()
    assert serializers._serializers["json"] is own
    assert serializers._serializers["xml"].__name__ == "tests.serializers.samples"


def test_serialization_modules_win_over_ours(settings, monkeypatch):
    monkeypatch.setattr(serializers, "_serializers", {})
    settings.SERIALIZATION_MODULES = {"json": DJANGO_JSON}
    serializers.get_serializer_formats()
    use_sealed_serializers()
    assert serializers.get_serializer("json") is django_json.Serializer


def test_a_site_without_encrypted_fields_keeps_djangos(settings, monkeypatch):
    monkeypatch.setattr(serializers, "BUILTIN_SERIALIZERS", {"json": DJANGO_JSON})
    settings.INSTALLED_APPS = ["django.contrib.contenttypes"]
    use_sealed_serializers()
    assert serializers.BUILTIN_SERIALIZERS == {"json": DJANGO_JSON}


def test_yaml_is_not_imported():
    probe = (
        "import sys, bt_security.fields.serializers; "
        "sys.exit('yaml' in sys.modules or 'xml.sax' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", probe]).returncode == 0


@pytest.mark.django_db
def test_a_stock_serializer_writes_text_sealed():
    note = models.Note.objects.create(body="canary")
    assert "canary" not in django_json.Serializer().serialize([note])
    assert models.Note._meta.get_field("body").value_to_string(models.Note()) == ""


@pytest.mark.django_db
def test_a_serializer_of_the_host_becomes_safe_by_our_base():
    class Own(SealedSerializer, django_json.Serializer):
        pass

    row = models.Everything.objects.create(integer=918273645)
    assert "918273645" not in Own().serialize([row])


@pytest.mark.django_db
def test_text_that_is_not_sealed_is_not_written():
    note = models.Note.objects.create(body="x")
    note.__dict__["body"] = models.Note._meta.get_field("body").read("canary")
    with pytest.raises(NotSealed, match=r"testapp.Note.body") as caught:
        serializers.serialize("json", [note])
    assert "canary" not in str(caught.value)


def test_an_entry_that_django_makes_is_a_deserialized_object():
    entry = {"model": "testapp.note", "pk": 1, "fields": {"title": "a"}}
    (row,) = serializers.deserialize("json", json.dumps([entry]))
    assert isinstance(row, DeserializedObject)
