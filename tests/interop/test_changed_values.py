"""A changed value, whatever the change, is one named refusal and never a value."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_security.exceptions import NotSealed, Tampered, WrongKey
from bt_security.interop import fernet_encrypted_fields, load_reader
from tests.interop.vector_files import STORED, stored_by

pytestmark = pytest.mark.once

READERS = sorted({case.reader for case in STORED})
REFUSALS = (NotSealed, WrongKey, Tampered)
SHORT = {
    reader: [
        case
        for case in stored_by(reader)
        if len(case.stored) < 400
        and (case.field != "JSONField" or reader != "fernet_encrypted_fields")
    ]
    for reader in READERS
}


def changed(data: st.DataObject, stored):
    """`stored` with one to three elements replaced, removed or put in."""
    is_text = isinstance(stored, str)
    one = st.characters(max_codepoint=0x2FF) if is_text else st.binary(min_size=1, max_size=1)
    result = stored
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(result)))
        removed = data.draw(st.integers(0, 2))
        put_in = data.draw(st.one_of(st.just(result[:0]), one))
        result = result[:at] + put_in + result[at + removed :]
    return result


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_changed_value_is_refused_by_name(reader, data):
    case = data.draw(st.sampled_from(SHORT[reader]))
    stored = changed(data, case.stored)
    if stored != case.stored:
        with case.with_keys(), pytest.raises(REFUSALS) as refusal:
            load_reader(f"bt_security.interop.{reader}").open_foreign(
                stored, internal_type=case.field
            )
        assert str(stored)[-20:] not in str(refusal.value)


@pytest.mark.parametrize("reader", READERS)
def test_no_part_of_a_value_can_be_cut_off(reader):
    case = SHORT[reader][0]
    module = load_reader(f"bt_security.interop.{reader}")
    with case.with_keys():
        for length in range(len(case.stored)):
            with pytest.raises(REFUSALS):
                module.open_foreign(case.stored[:length], internal_type=case.field)


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=300, deadline=None)
@given(stored=st.one_of(st.text(), st.binary(), st.text().map("enc:v1:".__add__)))
def test_the_shape_test_never_raises(reader, stored):
    found = load_reader(f"bt_security.interop.{reader}").is_foreign(stored)
    assert isinstance(found, bool)


@pytest.mark.parametrize("reader", ["fernet_fields", "fernet_encrypted_fields"])
def test_another_spelling_of_the_same_token_is_no_token(reader):
    """Base64 has spare bits and skips strange characters: only one spelling is read."""
    module = load_reader(f"bt_security.interop.{reader}")
    token = next(
        case.stored if isinstance(case.stored, str) else case.stored.decode()
        for case in SHORT[reader]
        if case.stored[-2:] in ("==", b"==")
    )
    spare_bit = token[:-3] + chr(ord(token[-3]) + 1) + "=="
    for other in (token + "\n", token[:40] + "!" + token[40:], spare_bit):
        assert not module.is_foreign(other)


@pytest.mark.parametrize("leaf", ["plain", 1, None, True])
def test_json_with_one_value_that_is_no_token_is_not_foreign(leaf):
    (case,) = stored_by("fernet_encrypted_fields", "old", "JSONField")[-1:]
    tree = json.loads(case.stored)
    text = json.dumps({**tree, "added": leaf})
    assert not fernet_encrypted_fields.is_foreign(text)
    with case.with_keys(), pytest.raises(NotSealed):
        fernet_encrypted_fields.open_foreign(text, internal_type="JSONField")


def test_a_changed_token_inside_json_is_refused():
    (case,) = stored_by("fernet_encrypted_fields", "old", "JSONField")[-1:]
    stored = case.stored.replace("gAAAAAB", "gAAAAAC", 1)
    with case.with_keys(), pytest.raises(WrongKey):
        fernet_encrypted_fields.open_foreign(stored, internal_type="JSONField")


def test_json_is_read_into_a_json_column_only():
    (case,) = stored_by("fernet_encrypted_fields", "old", "JSONField")[-1:]
    with case.with_keys(), pytest.raises(NotSealed):
        fernet_encrypted_fields.open_foreign(case.stored, internal_type="TextField")


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 300 + "]" * 300, '{"a":', "null", "1"])
def test_json_too_deep_or_broken_is_not_foreign(text):
    assert not fernet_encrypted_fields.is_foreign(text)
