"""The grammar of the sealed text: what is no sealed value, and what is a changed one."""

from __future__ import annotations

import base64

import pytest

from bt_security.crypto import looks_sealed, parse_sealed
from bt_security.exceptions import NotSealed, Tampered

pytestmark = pytest.mark.once

PREFIX = "e2:0123abcd:"
INDEX = "abcdefghijklmnopqrstuv27:"
BOX = base64.b64encode(bytes(range(28))).decode()
GOOD = PREFIX + BOX


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        PREFIX,
        BOX,
        f"e3:0123abcd:{BOX}",
        f"E2:0123abcd:{BOX}",
        f"v2:0123abcd:{BOX}",
        f"e2:0123ABCD:{BOX}",
        f"e2:0123abc:{BOX}",
        f"e2:0123abcd0:{BOX}",
        f"e2:0123abcg:{BOX}",
        f"e2::{BOX}",
        f"е2:0123abcd:{BOX}",  # noqa: RUF001 - a Cyrillic letter
        f"e２:0123abcd:{BOX}",  # noqa: RUF001 - a full-width digit
        f" {GOOD}",
        f"{GOOD} ",
        f"{GOOD}\n",
        f"{GOOD}\r\n",
        f"{GOOD}\0",
        f"\ufeff{GOOD}",
        GOOD.replace("A", "\n", 1),
        f"{GOOD}===",
        f"{PREFIX}=",
        f"{PREFIX}{INDEX}",
        f"{PREFIX}{INDEX.upper()}{BOX}",
        f"{PREFIX}{INDEX[1:]}{BOX}",
        f"{PREFIX}{INDEX.replace('7', '1')}{BOX}",
        f"{PREFIX}{INDEX}{INDEX}{BOX}",
        f"{PREFIX}:{BOX}",
        GOOD.replace("=", "-"),
        GOOD.replace("A", "-", 1),
        GOOD.replace("A", "_", 1),
    ],
)
def test_text_of_another_shape_is_not_sealed(text):
    with pytest.raises(NotSealed):
        parse_sealed(text)


@pytest.mark.parametrize(
    "encoded",
    [
        "A",
        "AAAA",
        BOX[:-4],
        base64.b64encode(bytes(27)).decode(),
        BOX.rstrip("="),
        BOX.removesuffix("="),
        f"{base64.b64encode(bytes(30)).decode()}=",
        f"{base64.b64encode(bytes(30)).decode()}==",
        f"{base64.b64encode(bytes(30)).decode()}A",
        f"{base64.b64encode(bytes(30)).decode()}A=",
    ],
)
def test_base64_of_a_wrong_length_was_tampered_with(encoded):
    with pytest.raises(Tampered):
        parse_sealed(PREFIX + encoded)


@pytest.mark.parametrize("size", [28, 29])
def test_left_over_bits_have_to_be_zero(size):
    encoded = base64.b64encode(bytes(size)).decode()
    body, padding = encoded.rstrip("="), "=" * encoded.count("=")
    spare = 16 if padding == "==" else 4
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    taken = {
        last for last in alphabet if _is_taken(f"{PREFIX}{body[:-1]}{last}{padding}")
    }  # fmt: skip
    assert taken == set(alphabet[::spare])


def _is_taken(text):
    try:
        parse_sealed(text)
    except Tampered:
        return False
    return True


@pytest.mark.parametrize("size", [28, 29, 30, 31, 500])
def test_what_an_encoder_writes_is_taken(size):
    envelope = parse_sealed(PREFIX + base64.b64encode(bytes(size)).decode())
    assert envelope.nonce + envelope.box == bytes(size)


def test_a_text_without_index_is_taken_apart():
    envelope = parse_sealed(GOOD)
    assert envelope[:2] == (PREFIX, "")
    assert (envelope.header, envelope.key_id) == (PREFIX, "0123abcd")


def test_a_text_with_index_is_taken_apart():
    envelope = parse_sealed(PREFIX + INDEX + BOX)
    assert envelope[:2] == (PREFIX, INDEX[:-1])
    assert envelope.header == PREFIX + INDEX


@pytest.mark.parametrize("text", ["", "e2:", PREFIX, f"{PREFIX}AAAA", f"{GOOD}\n", f"e9{GOOD[2:]}"])
def test_other_text_does_not_look_sealed(text):
    assert not looks_sealed(text)


@pytest.mark.parametrize("text", [GOOD, PREFIX + INDEX + BOX])
def test_sealed_text_looks_sealed(text):
    assert looks_sealed(text)
