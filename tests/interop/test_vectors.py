"""Values that the replaced packages stored open as those packages gave them back."""

from __future__ import annotations

import datetime
from collections import Counter

import pytest
from django.core.exceptions import ImproperlyConfigured

from bt_security import fields
from bt_security.exceptions import NotSealed, Tampered, WrongKey
from bt_security.interop import load_reader
from tests.interop.vector_files import CASES, STORED, Case, stored_by
from tests.testapp.models import EncryptedTimeField

pytestmark = pytest.mark.once

EVERY_STORED = pytest.mark.parametrize("case", STORED, ids=lambda case: case.name)
ONE_OF_EACH = pytest.mark.parametrize(
    "case", {(case.reader, case.keys): case for case in STORED}.values(), ids=lambda case: case.name
)


def new_field(case: Case):
    """The sealed field that replaces the old one."""
    kind = getattr(fields, f"Encrypted{case.field}", EncryptedTimeField)
    return kind(max_digits=9, decimal_places=2) if case.field == "DecimalField" else kind()


def opened(case: Case, stored=None):
    """Open as `rotate_keys` does: with the new field's plain type and its codec."""
    field = new_field(case)
    value = load_reader(f"bt_security.interop.{case.reader}").open_foreign(
        case.stored if stored is None else stored,
        internal_type=field.plain_field.get_internal_type(),
    )
    return field.codec.to_python(value) if isinstance(value, str) else value


def expected(case: Case):
    """What the old field gave; where it lost the offset of an aware time, what it was given."""
    is_naive = isinstance(case.read, datetime.datetime) and case.read.tzinfo is None
    return case.given if is_naive else case.read


def test_every_package_has_vectors_and_two_sets_of_keys():
    sets = Counter(package for package, _ in {(case.package, case.keys) for case in CASES})
    assert len(sets) == 6
    assert min(sets.values()) >= 2


@EVERY_STORED
def test_a_value_opens_as_the_old_field_gave_it(case):
    with case.with_keys():
        value = opened(case)
    assert value == expected(case)
    assert type(value) is type(expected(case))


@EVERY_STORED
def test_a_stored_value_has_the_shape_of_its_format(case):
    assert load_reader(f"bt_security.interop.{case.reader}").is_foreign(case.stored)


@ONE_OF_EACH
def test_a_value_opens_from_every_form_a_driver_or_a_cast_gives(case):
    raw = case.stored if isinstance(case.stored, bytes) else case.stored.encode()
    forms = [raw, memoryview(raw), "\\x" + raw.hex()]
    forms += [raw.decode()] if raw.isascii() else []
    with case.with_keys():
        assert [opened(case, form) for form in forms] == [expected(case)] * len(forms)


@ONE_OF_EACH
def test_a_value_under_other_keys_is_refused(case):
    other = {
        "SECRET_KEY": "quite-different, and long enough to be a secret key",
        "SECRET_KEY_FALLBACKS": [],
        "TREK_ENCRYPTION_KEY": "quite-different",
    }
    if "FERNET_KEYS" in case.settings:
        other |= {"FERNET_KEYS": ["quite-different"], "FERNET_USE_HKDF": True}
    with case.with_keys(**other), pytest.raises(WrongKey) as refusal:
        opened(case)
    assert "quite-different" not in str(refusal.value)


@pytest.mark.parametrize(
    ("reader", "written", "now"),
    [
        ("fernet_encrypted_fields", "old", "new"),
        ("fernet_fields", "listed", "listed-again"),
        ("fernet_fields", "raw", "raw-again"),
    ],
)
def test_a_value_of_an_old_key_opens_with_the_list_of_new_and_old(reader, written, now):
    for case in stored_by(reader, written):
        with case.with_keys(**case.all_keys[now]):
            assert opened(case) == expected(case)


@pytest.mark.parametrize("reader", ["django_cryptography", "fernet_fields"])
def test_a_value_under_the_secret_key_opens_by_the_fallbacks(reader):
    for case in stored_by(reader, "default"):
        fallbacks = [case.settings["SECRET_KEY"]]
        with case.with_keys(SECRET_KEY="brand new", SECRET_KEY_FALLBACKS=fallbacks):
            assert opened(case) == expected(case)


@ONE_OF_EACH
def test_what_is_not_of_the_format_is_named_so(case):
    reader = load_reader(f"bt_security.interop.{case.reader}")
    for stored in ("", "plain", "e2:0011aabb:x", "ünïcode", "\ud800", "\\x", "\\xzz", b"\xff\x80"):
        assert not reader.is_foreign(stored)
        with case.with_keys(), pytest.raises(NotSealed):
            reader.open_foreign(stored, internal_type="TextField")


def test_binary_content_in_a_text_field_is_refused():
    (case,) = [
        case for case in stored_by("fernet_fields", field="BinaryField") if b"\xff" in case.read
    ]
    reader = load_reader("bt_security.interop.fernet_fields")
    with case.with_keys(), pytest.raises(Tampered):
        reader.open_foreign(case.stored, internal_type="TextField")


@pytest.mark.parametrize(
    ("reader", "broken"),
    [
        ("fernet_fields", {"FERNET_KEYS": []}),
        ("fernet_fields", {"FERNET_KEYS": [None]}),
        ("fernet_fields", {"FERNET_KEYS": ["short"], "FERNET_USE_HKDF": False}),
        ("fernet_fields", {"DJFERNET_PREFIX": "text"}),
        ("fernet_encrypted_fields", {"SALT_KEY": None}),
        ("fernet_encrypted_fields", {"SALT_KEY": [""]}),
        ("django_cryptography", {"CRYPTOGRAPHY_DIGEST": "sha256"}),
        ("django_cryptography", {"CRYPTOGRAPHY_FIELD_KEYS": [12]}),
        ("trek", {"TREK_ENCRYPTION_KEY": ""}),
        ("trek_mfa", {"TREK_ENCRYPTION_KEY": None}),
    ],
)
def test_a_missing_or_malformed_setting_is_named(reader, broken):
    case = stored_by(reader)[0]
    with case.with_keys(**broken), pytest.raises(ImproperlyConfigured, match=list(broken)[-1]):
        opened(case)
