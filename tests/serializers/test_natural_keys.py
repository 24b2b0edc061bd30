"""Natural keys of encrypted values: sealed in the fixture, opened to find the row."""

from __future__ import annotations

import json

import pytest
from django.core import serializers
from django.core.management import call_command
from django.core.serializers.base import DeserializationError

from bt_security.fields import Sealed
from tests.serializers.conftest import FORMATS, TEXT_FORMATS, stored

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "other"])
NATURAL = {"use_natural_foreign_keys": True, "use_natural_primary_keys": True}


@pytest.fixture
def cars(fleet):
    anna, ben = (
        fleet.Owner.objects.create(email=f"canary-{name}@example.com", extra={"a": 1})
        for name in ("anna", "ben")
    )
    car = fleet.Car.objects.create(
        plate="B 1", number=918273645, owner=anna, code="canary-code", extra=[1]
    )
    car.drivers.set([anna, ben])
    fleet.Trip.objects.create(car=car, note="to the sea")
    fleet.Trip.objects.create(car=car, note="home")
    return fleet


@pytest.mark.parametrize("kind", FORMATS)
def test_natural_keys_show_no_plaintext(cars, kind):
    for model in (cars.Owner, cars.Car, cars.Trip):
        text = str(serializers.serialize(kind, model.objects.all(), **NATURAL))
        assert "canary" not in text
        assert "918273645" not in text


@pytest.mark.parametrize("kind", TEXT_FORMATS)
def test_natural_keys_find_their_rows_in_another_database(tmp_path, cars, kind):
    file = tmp_path / f"cars.{kind}"
    call_command("dumpdata", "fleet", format=kind, output=str(file), verbosity=0, **NATURAL)
    cars.Owner.objects.using("other").create(pk=50, email="x@example.com")
    for _ in range(2):
        call_command("loaddata", str(file), database="other", verbosity=0)
    assert cars.Owner.objects.using("other").count() == 3
    car = cars.Car.objects.using("other").get()
    assert (car.number, car.extra, car.owner.email) == (918273645, [1], "canary-anna@example.com")
    assert car.drivers.count() == 2
    assert cars.Trip.objects.using("other").filter(car=car).count() == 2


@pytest.mark.parametrize("kind", FORMATS)
def test_keys_and_natural_keys_may_be_told_apart(cars, kind):
    dump = serializers.serialize(kind, cars.Car.objects.all())
    (row,) = serializers.deserialize(kind, dump)
    assert row.object.owner_id == cars.Car.objects.get().owner_id
    assert len(row.m2m_data["drivers"]) == 2


@pytest.mark.parametrize("kind", FORMATS)
def test_a_car_without_owner_has_no_key(fleet, kind):
    fleet.Car.objects.create(plate="B 2", number=2)
    dump = serializers.serialize(kind, fleet.Car.objects.all(), use_natural_foreign_keys=True)
    (row,) = serializers.deserialize(kind, dump)
    assert row.object.owner_id is None


@pytest.mark.parametrize("kind", TEXT_FORMATS)
def test_a_forward_reference_seals_bound_plaintext_for_the_final_owner(tmp_path, fleet, kind):
    owner = fleet.Owner.objects.create(pk=9, email="canary@example.com")
    entry = {"sealed": stored(owner, "email"), "of": "fleet.owner.email"}
    car = {"plate": "B 3", "number": 3, "owner": [entry], "drivers": [[entry]], "code": "secret"}
    rows = [
        {"model": "fleet.car", "pk": 1, "fields": car},
        {"model": "fleet.owner", "pk": 9, "fields": {"email": "canary@example.com"}},
    ]
    file = tmp_path / f"forward.{kind}"
    file.write_text(as_text(kind, rows))
    call_command("loaddata", str(file), database="other", verbosity=0)
    loaded = fleet.Car.objects.using("other").get()
    assert (loaded.code, loaded.owner_id, loaded.drivers.get().pk) == ("secret", 9, 9)


def as_text(kind: str, rows) -> str:
    if kind == "jsonl":
        return "\n".join(json.dumps(row) for row in rows)
    if kind != "xml":
        return json.dumps(rows)
    part = rows[0]["fields"]["owner"][0]
    natural = f'<natural><sealed of="{part["of"]}">{part["sealed"]}</sealed></natural>'
    return (
        '<django-objects><object model="fleet.car" pk="1"><field name="plate">B 3</field>'
        '<field name="number">3</field><field name="code">secret</field>'
        f'<field name="owner">{natural}</field>'
        f'<field name="drivers"><object>{natural}</object></field></object>'
        '<object model="fleet.owner" pk="9"><field name="email">canary@example.com</field>'
        "</object></django-objects>"
    )


def test_a_missing_row_is_named_without_its_key(cars):
    dump = serializers.serialize("json", cars.Car.objects.all(), **NATURAL)
    with pytest.raises(DeserializationError) as caught:
        list(serializers.deserialize("json", dump, using="other"))
    assert "<sealed>" in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ({"sealed": "canary", "of": "fleet.owner.email"}, "malformed sealed text"),
        ({"sealed": "e2:00000000:" + "A" * 64, "of": "fleet.owner.email"}, "not configured"),
        ({"sealed": "e2:00000000:" + "A" * 64, "of": "fleet.owner.nothing"}, "unknown field"),
        ({"sealed": "e2:00000000:" + "A" * 64, "of": "fleet.owner.extra"}, "unknown field"),
        ({"sealed": "e2:00000000:" + "A" * 64, "of": 7}, "unknown field"),
    ],
)
def test_a_part_that_does_not_open_is_refused(fleet, part, text):
    rows = [{"model": "fleet.car", "pk": 4, "fields": {"owner": [part]}}]
    with pytest.raises(DeserializationError, match=text) as caught:
        list(serializers.deserialize("python", rows))
    assert "fleet.Car.owner (primary key 4)" in str(caught.value)


def test_an_unreadable_key_of_its_own_is_left_sealed(cars):
    strange = "e2:00000000:" + "A" * 64
    fields = {"email": {"sealed": strange}}
    with pytest.raises(Exception, match="not configured"):
        list(serializers.deserialize("python", [{"model": "fleet.owner", "fields": fields}]))


def test_an_unreadable_value_in_reach_does_not_hinder_a_natural_key(cars):
    cars.Owner.objects.filter(email="canary-anna@example.com").update(
        born=Sealed("e2:00000000:" + "A" * 64)
    )
    (row,) = serializers.serialize("python", cars.Car.objects.all(), **NATURAL)
    assert row["fields"]["owner"][0].keys() == {"sealed", "of"}


def test_rows_that_refer_to_each_other_end(cars):
    car = cars.Car.objects.get()
    car.owner._state.fields_cache["car"] = car
    (row,) = serializers.serialize("python", [car], **NATURAL)
    assert row["fields"]["owner"][0].keys() == {"sealed", "of"}
