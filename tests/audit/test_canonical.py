"""Texts and bodies of entries: bounded, ASCII, without secrets, whatever comes in."""

from __future__ import annotations

import enum
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from ipaddress import ip_address
from uuid import UUID

import pytest
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from bt_security.audit.canonical import (
    MAX_BODY_CHARS,
    canonical_json,
    clean_text,
    is_secret_name,
)
from tests.testapp.models import Account

SECRET_NAMES = [
    "password",
    "old_password",
    "passwordHash",
    "token",
    "api_token",
    "code",
    "recovery_codes",
    "Cookie",
    "Set-Cookie",
    "client_secret",
    "clientSecret",
    "Authorization",
    "private_key",
    "otp",
    "pin",
    "csrf",
    "credential",
    "jwt",
    "secret_answer",
    "APIKey",
]


def body(**details):
    return json.loads(canonical_json(details))


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize("text", ["a\x00b", "a\nb", "é", "\ud800", "\U0001f600", "\x7f", "﷽" * 90])
def test_a_text_is_printable_ascii_of_its_length(text):
    cleaned = clean_text(text, max_chars=64)
    assert cleaned.isascii()
    assert cleaned.isprintable()
    assert len(cleaned) <= 64


def test_two_long_texts_stay_two():
    first, second = (clean_text("x" * 300 + end, max_chars=64) for end in "ab")
    assert first != second
    assert first[:55] == second[:55] == "x" * 55


def test_a_text_that_fits_stays_as_it_is():
    assert clean_text("bill-77", max_chars=64) == "bill-77"


def test_the_same_details_give_the_same_json():
    assert canonical_json({"b": 1, "a": [1, None]}) == canonical_json({"a": (1, None), "b": 1})
    assert canonical_json({"b": 1, "a": "é"}) == '{"a":"\\u00e9","b":1}'
    assert canonical_json(None) == canonical_json({}) == "{}"


@pytest.mark.feature("TK-57")
@pytest.mark.parametrize(
    "name",
    [
        "password",
        "old_password",
        "passwordHash",
        "token",
        "api_token",
        "code",
        "recovery_codes",
        "Cookie",
        "Set-Cookie",
        "client_secret",
        "clientSecret",
        "Authorization",
        "private_key",
        "otp",
        "pin",
        "csrf",
        "credential",
        "jwt",
        "secret_answer",
        "APIKey",
    ],
)
def test_what_speaks_of_a_secret_is_redacted_at_every_depth(name):
    """Details never hold what their key says is a secret."""
    assert body(**{name: "s3cret"}) == {name: "[redacted]"}
    assert "s3cret" not in canonical_json({"a": [{"b": {name: ["s3cret"]}}]})


@pytest.mark.parametrize(
    "name",
    [
        "apikey",
        "API_KEY",
        "secretkey",
        "privatekeys",
        "passcode",
        "pwd",
        "pwd_hash",
        "pass",
        "db_pass",
        "sessionid",
        "SESSIONID",
        "sessionkey",
        "csrftoken",
        "csrfmiddlewaretoken",
        "accesstoken",
        "refreshtokens",
        "oldpassword",
        "userpassword_hash",
        "passwords",
        "token_value",
        "tokenValue",
        "key_material",
        "bearer",
        "bearer_header",
        "cvv",
        "code_1",
        "token2",
    ],
)
def test_words_written_together_and_with_a_word_behind_are_secret_too(name):
    assert body(**{name: "s3cret"}) == {name: "[redacted]"}


@pytest.mark.parametrize(
    "name",
    [
        "token_id",
        "prefix",
        "reason",
        "key_id",
        "postcodes_count",
        "",
        "1",
        "code_count",
        "name_tag",
        "value",
        "material_1",
        "passed",
        "pass_rate",
        "compass",
        "monkey",
        "session",
        "tokens_issued",
        "keyword",
    ],
)
def test_what_speaks_of_no_secret_is_kept(name):
    assert not is_secret_name(name)


def test_a_switch_is_no_secret():
    assert body(csrf=True, token=None) == {"csrf": True, "token": None}


def test_sealed_text_is_redacted():
    assert body(value="e2:0123abcd:" + "A" * 60) == {"value": "[redacted]"}


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (Decimal("1.50"), "1.50"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00+00:00"),
        (timedelta(seconds=90), "0:01:30"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (ip_address("192.0.2.1"), "192.0.2.1"),
        (gettext_lazy("user"), "user"),
        (Colour.RED, "red"),
        (b"secret", "[6 bytes]"),
        ({"b", "a"}, ["a", "b"]),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (1.5, 1.5),
        (True, True),
        (1 << 70, "[integer of 71 bits]"),
        (object(), "[object]"),
        ("a\ud800", "a\\ud800"),
    ],
)
def test_each_type_has_a_form(value, stored):
    assert body(x=value) == {"x": stored}


def test_a_model_instance_is_named():
    assert body(x=Account(pk=5)) == {"x": "testapp.account:5"}


def test_sizes_are_bounded():
    assert len(body(x="y" * 9_000)["x"]) < 2_100
    assert body(x=list(range(300)))["x"][-1] == "~ 100 more"
    assert body(x={str(n): n for n in range(300)})["x"]["~"] == "100 more"
    deep = {}
    for _ in range(1_000):
        deep = {"d": deep}
    assert "[dict]" in canonical_json(deep)


def test_a_body_that_is_too_large_keeps_its_keys():
    stored = body(**{f"k{n}": "x" * 1_500 for n in range(40)})
    assert set(stored) == {"keys", "shortened_from_chars"}
    assert stored["shortened_from_chars"] > MAX_BODY_CHARS
    assert "k39" in stored["keys"]


_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), _values))
def test_any_details_become_json_that_any_database_holds(details):
    text = canonical_json(details)
    assert text.isascii()
    assert "\x00" not in text
    json.loads(text)
