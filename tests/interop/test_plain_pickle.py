"""Pickles of plain values are read; anything else is refused and nothing of it is run."""

from __future__ import annotations

import collections
import contextlib
import datetime
import decimal
import enum
import os
import pickle
import uuid
import zoneinfo

import pytest
from django.db import models
from django.test import override_settings
from django.utils.safestring import mark_safe
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bt_security.exceptions import Tampered, WrongKey
from bt_security.interop import ForeignTypeRefused, django_cryptography
from bt_security.interop.plain_pickle import load_plain, operations_of
from tests.interop.signed_pickle import DERIVED_KEY, SECRET_KEY, signed

pytestmark = pytest.mark.once

PROTOCOLS = (3, 4, 5)
OFFSETS = st.timedeltas(datetime.timedelta(hours=-23), datetime.timedelta(hours=23))
ZONES = st.none() | st.builds(datetime.timezone, OFFSETS) | st.timezones()
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(max_size=300),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.datetimes(timezones=ZONES),
)
KEYS = st.text() | st.integers() | st.uuids()
PLAIN = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner),
        st.dictionaries(KEYS, inner),
        st.tuples(inner),
        st.lists(inner, max_size=9).map(tuple),
        st.sets(KEYS),
        st.frozensets(KEYS),
    ),
    max_leaves=12,
)


class Colour(models.TextChoices):
    RED = "red"


class Plain(enum.Enum):
    ONE = 1


class Text(str):
    pass


class Runs:
    """Writes a file when a real unpickler meets it."""

    def __init__(self, command, *arguments):
        self.call = (command, arguments)

    def __reduce__(self):
        return self.call


def loaded(content: bytes):
    operations = operations_of(content)
    assert operations is not None
    return load_plain(operations)


@settings(max_examples=300, deadline=None)
@given(value=PLAIN, protocol=st.sampled_from(PROTOCOLS))
@example(value=[uuid.UUID(int=7)] * 2, protocol=4)
@example(value=["long" * 20_000, 2**3000, -1, 256, 65536, b"x" * 70_000], protocol=3)
@example(value=dict.fromkeys(range(300), "x"), protocol=3)
@example(value={"one": [], "all": {}, "none": set()}, protocol=4)
def test_a_plain_value_comes_back_as_pickle_itself_gives_it(value, protocol):
    content = pickle.dumps(value, protocol)
    value_back, by_pickle = loaded(content), pickle.loads(content)
    assert value_back == by_pickle == value
    assert type(value_back) is type(value)
    if not isinstance(value, (set, frozenset, dict, list, tuple)):
        assert repr(value_back) == repr(by_pickle)


def test_a_uuid_with_a_safety_mark_comes_back():
    number = uuid.UUID(int=1, is_safe=uuid.SafeUUID.safe)
    assert loaded(pickle.dumps(number)) == number


def test_marked_text_becomes_text():
    text = loaded(pickle.dumps(mark_safe("<b>")))
    assert (text, type(text)) == ("<b>", str)


def test_names_of_older_releases_are_known():
    moment = datetime.datetime(2026, 1, 2, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
    content = pickle.dumps([mark_safe("<b>"), moment], 3)
    for new, old in [(b"SafeString", b"SafeText"), (b"czoneinfo", b"cbackports.zoneinfo")]:
        assert content.count(new) == 1
        content = content.replace(new, old)
    assert loaded(content) == ["<b>", moment]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "value",
    [
        Colour.RED,
        Plain.ONE,
        Text("text"),
        collections.OrderedDict(a=1),
        decimal.Decimal,
        datetime.UTC,
        zoneinfo.ZoneInfo("Europe/Berlin"),
        [datetime.UTC],
        {"deep": [{"x": Colour.RED}]},
        {(1, 2): "name"},
        {frozenset({1})},
        frozenset({(1, 2)}),
        bytearray(b"bytes"),
        1j,
        os.getcwd,
        getattr,
        Runs(getattr, "text", "upper"),
        Runs(getattr, zoneinfo.ZoneInfo, "clear_cache"),
        Runs(eval, "1"),
        Runs(decimal.Decimal, "no number"),
        Runs(datetime.timedelta, 10**12),
        Runs(datetime.datetime, 2026, 13, 1),
        Runs(zoneinfo.ZoneInfo, "Europe"),
        Runs(zoneinfo.ZoneInfo, "No/Such_Zone"),
        Runs(zoneinfo.ZoneInfo, "../etc/passwd"),
        Runs(zoneinfo.ZoneInfo, 5),
    ],
)
def test_what_is_not_plain_is_refused(value, protocol):
    with pytest.raises(ForeignTypeRefused):
        loaded(pickle.dumps(value, protocol))


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04.",  # nothing on the stack
        b"\x80\x04NN.",  # two values
        b"\x80\x04(0.",  # an operation nobody needs
        b"\x80\x04K\x01K\x02a.",  # append to a number
        b"\x80\x04K\x01(K\x02e.",
        b"\x80\x04K\x01K\x02K\x03s.",
        b"\x80\x04}(K\x01u.",  # a name without a value
        b"\x80\x04K\x01(K\x02\x90.",
        b"\x80\x04](a.",  # reaches below its mark
        b"\x80\x04t.",  # no mark
        b"\x80\x04h\x05.",  # nothing remembered there
        b"\x80\x04\x94.",
        b"\x80\x04K\x01K\x02R.",  # calls a number
        b"\x80\x04cuuid\nUUID\n]R.",  # arguments that are no tuple
        b"\x80\x04cuuid\nUUID\nK\x01b.",  # builds a class
        b"\x80\x04cuuid\nUUID\n)R]b.",
        b"\x80\x04cuuid\nUUID\n)R}b.",
        b"\x80\x04\x8c\x01aK\x01\x93.",
        b"\x80\x04N" + b"\x85" * 200_000 + b"\x8c\x01a\x93.",  # a name without a bottom
        b"\x80\x04cdjango.utils.safestring\nSafeString\n" + b"]" * 9000 + b"a" * 8999 + b"\x85R.",
    ],
    ids=range(20),
)
def test_a_crooked_pickle_is_refused(content):
    with pytest.raises(ForeignTypeRefused):
        loaded(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        pickle.dumps(1, 2),
        pickle.dumps("text", 0),
        pickle.dumps(1) + b"x",
        pickle.dumps("text")[:-1],
        b"\x80\x06N.",
        b"\x80\x04X\x05\x00\x00\x00abc.",
        b"\x80\x04cdatetime\n\xffdate\n.",
        b"N.",
    ],
)
def test_what_is_not_one_whole_pickle_is_seen(content):
    assert operations_of(content) is None


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_any_bytes_are_a_plain_value_or_one_refusal(data):
    seed = bytearray(pickle.dumps(data.draw(PLAIN), data.draw(st.sampled_from(PROTOCOLS))))
    for _ in range(data.draw(st.integers(0, 4))):
        seed[data.draw(st.integers(0, len(seed) - 1))] = data.draw(st.integers(0, 255))
    operations = operations_of(bytes(seed))
    if operations is not None:
        with contextlib.suppress(ForeignTypeRefused):
            load_plain(operations)


def opened(stored: bytes, internal_type: str = "TextField", **keys):
    with override_settings(SECRET_KEY=SECRET_KEY, **keys):
        return django_cryptography.open_foreign(stored, internal_type=internal_type)


def test_a_forbidden_class_is_refused_behind_a_right_signature_and_not_run(tmp_path):
    target = tmp_path / "made by the pickle"
    content = pickle.dumps(Runs(os.mkdir, str(target)))
    with pytest.raises(ForeignTypeRefused) as refusal:
        opened(signed(content))
    assert isinstance(refusal.value, Tampered)
    assert not target.exists()
    pickle.loads(content)
    assert target.exists()


def test_the_content_is_not_looked_at_before_the_signature():
    stored = bytearray(signed(pickle.dumps(Runs(os.getcwd))))
    stored[-1] ^= 1
    with pytest.raises(WrongKey):
        opened(bytes(stored))


@pytest.mark.parametrize("content", [b"no pickle", b"\x80\x04", pickle.dumps(1) + b"N."])
def test_content_that_is_no_pickle_means_another_encryption_key(content):
    with pytest.raises(WrongKey, match="encryption key"):
        opened(signed(content))


def test_wrong_padding_means_another_encryption_key():
    with pytest.raises(WrongKey, match="encryption key"):
        opened(signed(pickle.dumps("x" * 60), key=b"k" * 32), CRYPTOGRAPHY_KEY="quite another")


def test_a_key_that_the_old_package_has_derived_already_opens():
    """Importing the old package replaces the setting by the derived key and the salt by bytes."""
    keys = {"CRYPTOGRAPHY_KEY": DERIVED_KEY, "CRYPTOGRAPHY_SALT": b"django-cryptography"}
    assert opened(signed(pickle.dumps("text")), **keys) == "text"


def test_text_in_a_json_column_stays_text():
    assert opened(signed(pickle.dumps('{"a": 1}')), "JSONField") == '"{\\"a\\": 1}"'
    assert opened(signed(pickle.dumps({"a": 1})), "JSONField") == {"a": 1}
