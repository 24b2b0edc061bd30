"""Every class gives back what was stored, and the column never shows it."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from bt_security.fields.sealing import may_seal
from tests.fields.conftest import CANARY
from tests.testapp.models import Everything, OwnFields

pytestmark = pytest.mark.django_db

TEXTS = ["", "0", "a", "e2:", "é ß İ", "🔐 astral \U0001d4b3", "line\nbreak\ttab", "x" * 20_000]
JSONS = [
    *({}, [], 0, 0.5, False, True, "", "text", "None", "null"),
    {"a": None, "b": [1, 2.5, {"c": "🔐"}], "": {}},
    [None],
]
NUMBERS = [0, 1, -1, 2**31 - 1, -(2**31)]
VALUES = [
    *(("text", value) for value in TEXTS),
    *(("char", value) for value in ["", "x" * 20, "🔐" * 20]),
    *(("email", value) for value in ["", "ann@example.com", "Ünï@exämple.com"]),
    *(("url", value) for value in ["", "https://example.com/?a=1&b=%20#c"]),
    *(("json", value) for value in JSONS),
    *(("integer", value) for value in NUMBERS),
    *(("float", value) for value in [0.0, -0.5, 0.1 + 0.2, 1e308, 5e-324, float("inf")]),
    *(("decimal", Decimal(value)) for value in ["0.000", "-1.500", "999999999.999"]),
    *(("boolean", value) for value in [True, False]),
    *(("date", value) for value in [date.min, date(2024, 2, 29), date.max]),
    ("uuid", uuid.UUID(int=0)),
    ("uuid", uuid.uuid4()),
    *(("binary", value) for value in [b"", b"\0", b"\0\xff e2:\0", bytes(range(256))]),
    *(("ip", value) for value in ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"]),
]


def again(instance):
    return type(instance).objects.get(pk=instance.pk)


@pytest.mark.parametrize(("name", "value"), VALUES)
def test_a_value_comes_back_as_stored(name, value):
    found = getattr(again(Everything.objects.create(**{name: value})), name)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("name", [f.name for f in Everything._meta.fields if f.name != "id"])
def test_none_is_null(cell, name):
    stored = Everything.objects.create()
    assert cell(stored, name).text is None
    assert getattr(again(stored), name) is None
    assert Everything.objects.filter(**{f"{name}__isnull": True}).exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [("text", ""), ("integer", 0), ("boolean", False), ("float", 0.0), ("json", {}), ("json", [])],
)
def test_a_value_that_counts_as_false_is_sealed(cell, name, value):
    stored = Everything.objects.create(**{name: value})
    assert cell(stored, name).text.startswith("e2:")
    assert Everything.objects.filter(**{f"{name}__isnull": False}).exists()


@pytest.mark.parametrize(
    "zone", [UTC, timezone(timedelta(hours=-9, minutes=-30)), ZoneInfo("Europe/Berlin")]
)
def test_an_aware_datetime_is_the_same_moment_in_utc(zone):
    moment = datetime(2024, 10, 27, 2, 30, 0, 123456, tzinfo=zone, fold=1)
    found = again(Everything.objects.create(moment=moment)).moment
    assert found == moment.astimezone(UTC)
    assert found.tzinfo is UTC


def test_a_naive_datetime_counts_as_utc_without_time_zones(settings):
    settings.USE_TZ = False
    moment = datetime(2024, 1, 2, 3, 4, 5)
    assert again(Everything.objects.create(moment=moment)).moment == moment


def test_a_naive_moment_from_before_time_zones_is_utc(cell):
    field = Everything._meta.get_field("moment")
    stored = Everything.objects.create()
    sealer = may_seal(field)
    cell(stored, "moment").text = sealer.seal(b"2024-01-02T03:04:05")
    assert again(stored).moment == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.once
def test_bytes_have_a_text_for_the_index_and_none_to_read():
    codec = Everything._meta.get_field("binary").codec
    assert codec.to_text(b"\0\xff") == "\0\xff"
    with pytest.raises(ValueError, match="not bytes"):
        codec.to_python("AAAA")


@pytest.mark.parametrize("given", ["1.5", 1.5, 1, Decimal("1.5")])
def test_a_decimal_has_the_places_of_its_field(given):
    found = again(Everything.objects.create(decimal=given)).decimal
    assert str(found) == f"{Decimal(given):.3f}"


@pytest.mark.parametrize("given", [memoryview(b"ab\0"), bytearray(b"ab\0")])
def test_binary_takes_what_holds_bytes(given):
    assert again(Everything.objects.create(binary=given)).binary == b"ab\0"


@pytest.mark.parametrize("given", [3, "text"])
def test_binary_takes_nothing_else(given):
    with pytest.raises(TypeError):
        Everything.objects.create(binary=given)


def test_an_ipv6_address_is_stored_in_its_short_form():
    assert again(Everything.objects.create(ip="2001:DB8:0::1")).ip == "2001:db8::1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", 0),
        ("count", 2**31 - 1),
        ("duration", timedelta(0)),
        ("duration", -timedelta(days=400, microseconds=1)),
        ("time", time(0, 0)),
        ("time", time(23, 59, 59, 999999)),
    ],
)
def test_a_field_of_the_hosts_own_gives_back_what_was_stored(name, value):
    assert getattr(again(OwnFields.objects.create(**{name: value})), name) == value


def test_auto_now_stamps_every_save():
    stored = OwnFields.objects.create()
    first = stored.stamped
    stored.save()
    assert again(stored).stamped == stored.stamped > first


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("text", CANARY, CANARY),
        ("char", "canary-8c1f-short", "canary-8c1f"),
        ("email", "canary-8c1f@example.com", "canary-8c1f"),
        ("url", "https://example.com/canary-8c1f", "canary-8c1f"),
        ("json", {"canary-8c1f": 1}, "canary-8c1f"),
        ("integer", 1234567, "1234567"),
        ("decimal", Decimal("1234567.5"), "1234567"),
        ("date", date(2024, 2, 29), "2024-02-29"),
        ("uuid", uuid.UUID("12345678123456781234567812345678"), "12345678"),
        ("binary", b"canary-8c1f", "canary"),
        ("ip", "192.0.2.123", "192.0.2"),
    ],
)
@pytest.mark.feature("BT-16")
def test_the_column_shows_no_plaintext(cell, name, value, shown):
    """Raw SQL of a sealed column gives sealed text, whatever the type of the field."""
    stored = Everything.objects.create(**{name: value})
    assert cell(stored, name).text.startswith("e2:")
    assert shown not in cell(stored, name).text


def test_the_same_value_is_sealed_differently_each_time(cell):
    texts = {cell(Everything.objects.create(text="same"), "text").text for _ in range(20)}
    assert len(texts) == 20


@pytest.mark.parametrize(
    ("name", "value"),
    [("integer", "x"), ("json", object()), ("date", "x"), ("decimal", "x"), ("uuid", "x")],
)
def test_a_value_of_another_type_is_refused_as_by_the_plain_field(name, value):
    with pytest.raises((ValueError, TypeError, ValidationError)):
        Everything.objects.create(**{name: value})
