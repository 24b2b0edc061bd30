"""Sealing and opening with one key: nothing but the same value in the same place opens."""

from __future__ import annotations

import pickle
import uuid

import pytest

from bt_security.crypto import (
    Envelope,
    SealingKey,
    aad_tail,
    bound_bytes,
    derive,
    parse_sealed,
    sealing_key,
)
from bt_security.exceptions import Tampered, WrongKey

pytestmark = [pytest.mark.once, pytest.mark.feature("BT-17")]

SECRET = b"sealing-tests-0123456789-abcdefghijk"
KEY = SealingKey("e2", SECRET)
TAIL = aad_tail("app.model.field")


def sealed(**place):
    return KEY.seal(b"the plaintext", tail=place.pop("tail", TAIL), **place)


def flipped(content, position):
    return content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]


@pytest.mark.parametrize("position", [0, 11], ids=["first byte", "last byte"])
def test_a_flipped_nonce_is_refused(position):
    envelope = parse_sealed(sealed())
    with pytest.raises(Tampered):
        KEY.open(envelope._replace(nonce=flipped(envelope.nonce, position)), tail=TAIL)


@pytest.mark.parametrize("position", [0, 12, 13, -2], ids=["first", "last", "tag", "tag's end"])
def test_a_flipped_ciphertext_or_tag_is_refused(position):
    envelope = parse_sealed(sealed())
    with pytest.raises(Tampered):
        KEY.open(envelope._replace(box=flipped(envelope.box, position)), tail=TAIL)


def test_a_cut_tag_is_refused():
    envelope = parse_sealed(sealed())
    with pytest.raises(Tampered):
        KEY.open(envelope._replace(box=envelope.box[:-1]), tail=TAIL)


@pytest.mark.parametrize(
    ("tail", "other"),
    [
        (aad_tail("app.model.field"), aad_tail("app.model.fielD")),
        (aad_tail("a.b.c"), aad_tail("a.b.c", [None])),
        (aad_tail("a.b.c", [1]), aad_tail("a.b.c", [2])),
        (aad_tail("a.b.c", [1]), aad_tail("a.b.c", ["1"])),
        (aad_tail("a.b.c", [None]), aad_tail("a.b.c", [""])),
        (aad_tail("a.b.c", ["1", "23"]), aad_tail("a.b.c", ["12", "3"])),
        (aad_tail("a.b.c", [1, 2]), aad_tail("a.b.c", [2, 1])),
        (aad_tail("a.b.c", [1]), aad_tail("a.b.c", [1, None])),
        (
            aad_tail("a.b.c", [uuid.UUID(int=0x31)]),
            aad_tail("a.b.c", [str(uuid.UUID(int=0x31))]),
        ),
    ],
)
def test_a_value_does_not_open_in_another_place(tail, other):
    with pytest.raises(Tampered):
        KEY.open(parse_sealed(sealed(tail=tail)), tail=other)


def test_a_value_does_not_open_with_another_index():
    envelope = parse_sealed(sealed(index="a" * 24))
    with pytest.raises(Tampered):
        KEY.open(envelope._replace(index="b" * 24), tail=TAIL)


def test_a_value_does_not_open_without_its_index():
    with pytest.raises(Tampered):
        KEY.open(parse_sealed(sealed(index="a" * 24))._replace(index=""), tail=TAIL)


def test_a_database_key_value_does_not_open_as_one_of_the_operator():
    text = SealingKey("e1", SECRET).seal(b"forged", tail=TAIL)
    with pytest.raises(Tampered):
        KEY.open(parse_sealed(f"e2{text[2:]}"), tail=TAIL)


def test_another_key_does_not_open():
    with pytest.raises(Tampered):
        SealingKey("e2", SECRET + b"!").open(parse_sealed(sealed()), tail=TAIL)


@pytest.mark.feature("TK-06")
def test_a_wrapped_secret_does_not_open_as_field_content():
    """What was sealed for one use of a key does not open for another: a wrapped secret is no
    field content."""
    with pytest.raises(Tampered):
        KEY.open(parse_sealed(KEY.wrap(b"secret", tail=TAIL)), tail=TAIL)


@pytest.mark.feature("TK-06")
def test_field_content_does_not_open_as_a_wrapped_secret():
    """What was sealed for one use of a key does not open for another: field content is no wrapped
    secret."""
    with pytest.raises(Tampered):
        KEY.unwrap(parse_sealed(sealed()), tail=TAIL)


def test_a_refusal_names_the_key_id_and_no_content():
    with pytest.raises(Tampered) as refusal:
        KEY.open(Envelope(KEY.prefix, "", bytes(12), bytes(16)), tail=TAIL)
    assert str(refusal.value) == (
        "sealed value: changed, cut short or moved from another place, "
        f"key id {KEY.key_id}"
    )  # fmt: skip


def test_a_refusal_can_be_pickled():
    error = pickle.loads(pickle.dumps(WrongKey(model="a.B", field="c", pk=3, key_id="0" * 8)))
    assert str(error).startswith("a.B.c (primary key 3): sealed with a key that is not configured")


@pytest.mark.parametrize("value", [True, 1.5, b"x", object(), ["x"]])
def test_a_value_of_another_type_cannot_be_bound(value):
    with pytest.raises(TypeError, match="a bound column may not hold"):
        bound_bytes(value)


def test_what_was_sealed_opens():
    assert KEY.open(parse_sealed(sealed()), tail=TAIL) == b"the plaintext"


def test_what_was_wrapped_unwraps():
    assert KEY.unwrap(parse_sealed(KEY.wrap(b"secret", tail=TAIL)), tail=TAIL) == b"secret"


def test_no_nonce_repeats():
    texts = (KEY.seal(b"", tail=TAIL) for _ in range(100_000))
    assert len({parse_sealed(text).nonce for text in texts}) == 100_000


def test_a_tag_has_128_bits():
    assert len(parse_sealed(KEY.seal(b"", tail=TAIL)).box) == 16


@pytest.mark.parametrize("other", ["normaliser", "context", "value"])
def test_a_blind_index_depends_on_everything(other):
    given = {"normaliser": "exact", "context": "a.b.c", "value": "x"}
    assert KEY.blind_index(**given) != KEY.blind_index(**{**given, other: "y"})


def test_a_blind_index_does_not_confuse_its_parts():
    first = KEY.blind_index(normaliser="ab", context="c", value="d")
    assert first != KEY.blind_index(normaliser="a", context="bc", value="d")


def test_keys_are_derived_once():
    assert sealing_key("e2", SECRET) is sealing_key("e2", SECRET)


def test_a_key_does_not_show_itself():
    shown = repr(KEY)
    assert shown == f"<SealingKey e2:{derive(SECRET, '/key-id')[:4].hex()}:>"
    assert not hasattr(KEY, "__dict__")
