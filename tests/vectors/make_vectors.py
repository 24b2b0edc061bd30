"""Write the vectors of the sealed text, without any code of `bt_security`.

Run `python tests/vectors/make_vectors.py`; nonces and keys are fixed, so the files come out the
same each time. `docs/format.md` says what is computed here. `hkdf.json` and `gcm.json` are copied
from RFC 5869 and from NIST, and are not written by this script.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
import uuid
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FOLDER = Path(__file__).parent
LABEL = b"bill-tracker-token-encryption-v1"
OPERATOR = b"vector-operator-key-0123456789-abcdefghij"
TWO_BYTE = "äöüßéèêàâçñåøæðþ".encode()
DATABASE_ROW = base64.b64encode(bytes(range(100, 148))).decode()
DATABASE = base64.b64decode(DATABASE_ROW)
OWNER = uuid.UUID("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0")


def hkdf(secret: bytes, info: bytes) -> bytes:
    """One block of HKDF-SHA-256 with an empty salt."""
    pseudorandom_key = hmac.digest(bytes(32), secret, "sha256")
    return hmac.digest(pseudorandom_key, info + b"\x01", "sha256")


def key_id(secret: bytes) -> str:
    return hkdf(secret, LABEL + b"/key-id")[:4].hex()


def part(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def tagged(value: Any) -> bytes:
    if value is None:
        return b"N"
    if isinstance(value, uuid.UUID):
        return b"U" + value.bytes
    return b"I%d" % value if isinstance(value, int) else b"S" + value.encode()


def associated_data(header: str, context: str, bound: list[Any]) -> bytes:
    values = b"".join(part(tagged(value)) for value in bound)
    place = part(context.encode()) + struct.pack(">I", len(bound)) + values
    return b"bt-aad-1" + part(header.encode()) + place


def blind_index(secret: bytes, normaliser: str, context: str, normalised: str) -> str:
    message = b"".join(part(text.encode()) for text in (normaliser, context, normalised))
    digest = hmac.digest(hkdf(secret, LABEL + b"/blind-index"), message, "sha256")
    return base64.b32encode(digest[:15]).decode().lower()


def shown(value: Any) -> list[Any]:
    if isinstance(value, uuid.UUID):
        return ["uuid", str(value)]
    return ["null"] if value is None else [type(value).__name__, value]


def envelope(name: str, **given: Any) -> dict[str, Any]:
    """Seal one value and return everything that went into it."""
    version, secret = given["version"], given["secret"]
    context, bound = given["context"], given.get("bound", [])
    use, index = given.get("use", ""), given.get("index", "")
    header = f"{version}:{key_id(secret)}:" + (f"{index}:" if index else "")
    nonce = hashlib.sha256(name.encode()).digest()[:12]
    aad = associated_data(header, context, bound)
    key = hkdf(secret, LABEL + use.encode())
    box = nonce + AESGCM(key).encrypt(nonce, given["plaintext"], aad)
    return {
        "name": name,
        "version": version,
        "secret": secret.hex(),
        "use": use,
        "context": context,
        "bound": [shown(value) for value in bound],
        "index": index,
        "plaintext": given["plaintext"].hex(),
        "nonce": nonce.hex(),
        "aad": aad.hex(),
        "sealed": header + base64.b64encode(box).decode(),
    }


def envelopes() -> list[dict[str, Any]]:
    note: dict[str, Any] = {"context": "testapp.note.body", "plaintext": b"Gr\xc3\xbc\xc3\x9fe"}
    bank = {"context": "testapp.bankconnection.access_url", "plaintext": b"https://a:b@bank/"}
    operator: dict[str, Any] = {"version": "e2", "secret": OPERATOR}
    mail = {"context": "testapp.account.email", "plaintext": b"Ada@Example.org"}
    index = blind_index(OPERATOR, "email", mail["context"], "ada@example.org")
    return [
        envelope("operator key", **operator, **note),
        envelope("database key", version="e1", secret=DATABASE, **note),
        envelope("two-byte characters", version="e2", secret=TWO_BYTE, **note),
        envelope("empty text", **operator, **{**note, "plaintext": b""}),
        envelope("one byte", **operator, **{**note, "plaintext": b"x"}),
        envelope("two bytes", **operator, **{**note, "plaintext": b"xy"}),
        envelope("all bytes", **operator, **{**note, "plaintext": bytes(range(256))}),
        envelope("bound to NULL", **operator, **bank, bound=[None]),
        envelope("bound to an integer", **operator, **bank, bound=[42]),
        envelope("bound to a negative integer", **operator, **bank, bound=[-7]),
        envelope("bound to a UUID", **operator, **bank, bound=[OWNER]),
        envelope("bound to text", **operator, **bank, bound=["Zürich"]),
        envelope("bound to empty text", **operator, **bank, bound=[""]),
        envelope("bound to digits as text", **operator, **bank, bound=["42"]),
        envelope("bound to one of each", **operator, **bank, bound=[None, 42, OWNER, "Zürich"]),
        envelope("with a blind index", **operator, **mail, index=index),
        envelope("with a blind index and bound", **operator, **mail, index=index, bound=[42]),
        envelope(
            "purpose key",
            **operator,
            use="/wrap",
            context="bt_security.setting._purpose/api_tokens/1",
            plaintext=hashlib.sha256(b"a purpose key").digest(),
        ),
        envelope(
            "key state",
            **operator,
            use="/wrap",
            context="bt_security.setting._key_state",
            plaintext=b'{"phase": "done", "since": "2026-01-02T03:04:05+00:00"}',
        ),
    ]


def indexes() -> list[dict[str, str]]:
    """Values that a person would call equal, with the normalised text written out by hand."""
    cases = [
        ("exact", " As It Is ", " As It Is "),
        ("exact", "", ""),
        ("casefold", "STRASSE", "strasse"),
        ("casefold", "Straße", "strasse"),
        ("casefold", "\ufb01le", "file"),
        ("casefold", "E\u0301clair", "\u00e9clair"),
        ("email", "  Ada@Example.ORG\n", "ada@example.org"),
        ("email", "ada@example.org", "ada@example.org"),
        ("digits", "+41 (0)44 123-45-67", "410441234567"),
        ("digits", "\u0664\u0661", "41"),
        ("digits", "none", ""),
    ]
    context = "testapp.person.name"
    return [
        {
            "secret": OPERATOR.hex(),
            "normaliser": normaliser,
            "context": context,
            "value": value,
            "normalised": normalised,
            "index": blind_index(OPERATOR, normaliser, context, normalised),
        }
        for normaliser, value, normalised in cases
    ]


def collision() -> list[str]:
    """Find two operator keys with one key id: about 2^16 tries for 32 bits."""
    seen: dict[str, bytes] = {}
    for number in range(1_000_000):
        secret = b"Two-keys-may-share-one-id-%08d" % number
        other = seen.setdefault(key_id(secret), secret)
        if other != secret:
            return [other.decode(), secret.decode()]
    raise RuntimeError("no collision")


def derived_keys() -> list[dict[str, str]]:
    return [
        {
            "name": name,
            "secret": secret.hex(),
            "field": hkdf(secret, LABEL).hex(),
            "blind_index": hkdf(secret, LABEL + b"/blind-index").hex(),
            "wrap": hkdf(secret, LABEL + b"/wrap").hex(),
            "key_id": key_id(secret),
        }
        for name, secret in (
            ("operator key", OPERATOR),
            ("16 two-byte characters", TWO_BYTE),
            ("database key", DATABASE),
            ("bytes that are not UTF-8", bytes(range(200, 248))),
        )
    ]


def write(name: str, content: Any) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=True) + "\n"
    (FOLDER / name).write_text(text, encoding="ascii")


def main() -> None:
    write("envelopes.json", {"database_row": DATABASE_ROW, "cases": envelopes()})
    write("indexes.json", indexes())
    write("keys.json", {"derived": derived_keys(), "collision": collision()})


if __name__ == "__main__":
    main()
