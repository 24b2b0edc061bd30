"""Published vectors, and our own made without the package."""

from __future__ import annotations

import runpy
import shutil
from binascii import a2b_base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bt_security.crypto import SealingKey, aad_tail, associated_data, derive, parse_sealed
from bt_security.fields.normalisers import BUILT_IN
from tests.vectors import files

pytestmark = [pytest.mark.once, pytest.mark.feature("BT-18")]

ENVELOPES = files.load("envelopes.json")["cases"]
INDEXES = files.load("indexes.json")
DERIVED = files.load("keys.json")["derived"]
FORMAT_PAGE = Path(__file__).parents[2] / "docs" / "format.md"


def named(cases):
    return pytest.mark.parametrize("case", cases, ids=lambda case: case["name"])


def hexed(case, *names):
    return [bytes.fromhex(case[name]) for name in names]


def test_the_vectors_come_out_the_same_when_they_are_made_again(tmp_path):
    for file in files.FOLDER.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    runpy.run_path(str(tmp_path / "make_vectors.py"), run_name="__main__")
    made = {file.name: file.read_text() for file in tmp_path.glob("*.json")}
    assert made == {file.name: file.read_text() for file in files.FOLDER.glob("*.json")}


def test_the_script_of_the_vectors_uses_nothing_of_the_package():
    source = (files.FOLDER / "make_vectors.py").read_text()
    assert "import bt_security" not in source
    assert "from bt_security" not in source


@named(files.load("hkdf.json"))
def test_hkdf_gives_what_the_rfc_says(case):
    ikm, salt, info = hexed(case, "ikm", "salt", "info")
    made = HKDF(hashes.SHA256(), case["length"], salt or None, info).derive(ikm)
    assert made.hex() == case["okm"]


@named(files.load("hkdf.json"))
def test_the_hand_written_hkdf_gives_what_the_rfc_says(case):
    ikm, salt, info = hexed(case, "ikm", "salt", "info")
    assert files.hkdf(ikm, info=info, salt=salt, length=case["length"]).hex() == case["okm"]


@named(files.load("gcm.json"))
def test_aes_gcm_gives_what_nist_says(case):
    key, nonce, plaintext, aad = hexed(case, "key", "nonce", "plaintext", "aad")
    assert AESGCM(key).encrypt(nonce, plaintext, aad).hex() == case["box"]


@named(DERIVED)
@pytest.mark.parametrize(
    ("use", "name"), [("", "field"), ("/blind-index", "blind_index"), ("/wrap", "wrap")]
)
def test_derived_keys_are_those_of_the_vectors(case, use, name):
    assert derive(bytes.fromhex(case["secret"]), use).hex() == case[name]


@pytest.mark.feature("BT-19")
@named(DERIVED)
def test_derived_keys_are_those_of_the_hand_written_hkdf(case):
    """Keys are derived with an empty salt, as the page of the format says and an independent HKDF
    shows."""
    secret = bytes.fromhex(case["secret"])
    assert derive(secret, "/wrap") == files.hkdf(secret, info=files.LABEL + b"/wrap")


@named(DERIVED)
def test_key_ids_are_those_of_the_vectors(case):
    assert SealingKey("e2", bytes.fromhex(case["secret"])).key_id == case["key_id"]


@named(DERIVED)
def test_the_keys_of_one_secret_differ(case):
    assert len({case["field"], case["blind_index"], case["wrap"]}) == 3


def test_another_label_gives_another_key():
    secret = bytes.fromhex(DERIVED[0]["secret"])
    assert derive(secret) != files.hkdf(secret, info=b"bill-tracker-token-encryption-v2")


@named(ENVELOPES)
def test_the_package_opens_every_envelope(case):
    key = SealingKey(case["version"], bytes.fromhex(case["secret"]))
    envelope = parse_sealed(case["sealed"])
    tail = aad_tail(case["context"], files.bound_values(case))
    opened = (key.unwrap if case["use"] else key.open)(envelope, tail=tail)
    assert opened.hex() == case["plaintext"]


@pytest.mark.feature("TK-05")
@named(ENVELOPES)
def test_an_independent_reader_opens_every_envelope(case):
    """A reader that uses nothing of the package opens every value by AES-256-GCM."""
    opened = files.open_by_hand(
        bytes.fromhex(case["secret"]),
        case["sealed"],
        context=case["context"],
        bound=files.bound_values(case),
        use=case["use"],
    )
    assert opened.hex() == case["plaintext"]


@named(ENVELOPES)
def test_associated_data_are_byte_for_byte_those_of_the_vectors(case):
    tail = aad_tail(case["context"], files.bound_values(case))
    assert associated_data(parse_sealed(case["sealed"]).header, tail).hex() == case["aad"]


@named(ENVELOPES)
def test_an_envelope_is_taken_apart_as_it_was_put_together(case):
    envelope = parse_sealed(case["sealed"])
    assert (envelope.index, envelope.nonce.hex()) == (case["index"], case["nonce"])


@named(ENVELOPES)
def test_what_the_package_seals_opens_for_an_independent_reader(case):
    secret, plaintext = hexed(case, "secret", "plaintext")
    key, bound = SealingKey(case["version"], secret), files.bound_values(case)
    tail = aad_tail(case["context"], bound)
    if case["use"]:
        text = key.wrap(plaintext, tail=tail)
    else:
        text = key.seal(plaintext, tail=tail, index=case["index"])
    place = {"context": case["context"], "bound": bound, "use": case["use"]}
    assert files.open_by_hand(secret, text, **place) == plaintext


@pytest.mark.parametrize("case", INDEXES, ids=lambda case: f"{case['normaliser']} {case['value']}")
def test_a_blind_index_is_that_of_the_vectors(case):
    made = SealingKey("e2", bytes.fromhex(case["secret"])).blind_index(
        normaliser=case["normaliser"],
        context=case["context"],
        value=BUILT_IN[case["normaliser"]](case["value"]),
    )
    assert made == case["index"]


@pytest.mark.parametrize("case", INDEXES, ids=lambda case: f"{case['normaliser']} {case['value']}")
def test_a_normaliser_gives_the_text_written_by_hand(case):
    assert BUILT_IN[case["normaliser"]](case["value"]) == case["normalised"]


def example_of_the_page():
    source = FORMAT_PAGE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    names = {}
    exec(compile(source, str(FORMAT_PAGE), "exec"), names)
    return names["open_value"]


def test_the_example_of_the_page_does_not_use_the_package():
    source = FORMAT_PAGE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    assert "bt_security" not in source


@named(ENVELOPES)
def test_the_example_of_the_page_opens_every_envelope(case):
    opened = example_of_the_page()(
        bytes.fromhex(case["secret"]),
        case["sealed"],
        case["context"],
        [files.tagged(value) for value in files.bound_values(case)],
        case["use"].encode(),
    )
    assert opened.hex() == case["plaintext"]


def test_the_example_of_the_page_refuses_another_key():
    case = ENVELOPES[0]
    with pytest.raises(ValueError, match="another key"):
        example_of_the_page()(b"other", case["sealed"], case["context"])


def test_the_example_of_the_page_refuses_base64_with_left_over_bits():
    case = next(case for case in ENVELOPES if case["sealed"].endswith("=="))
    changed = chr(ord(case["sealed"][-3]) + 1)
    text = f"{case['sealed'][:-3]}{changed}=="
    assert a2b_base64(text[12:]) == a2b_base64(case["sealed"][12:])
    with pytest.raises(ValueError, match="canonical"):
        example_of_the_page()(bytes.fromhex(case["secret"]), text, case["context"])
