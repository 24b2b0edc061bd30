"""Reads the vectors, and takes sealed texts apart without the package's own code."""

from __future__ import annotations

import base64
import hmac
import json
import struct
import uuid
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FOLDER = Path(__file__).parent
LABEL = b"bill-tracker-token-encryption-v1"
_PYTHON = {"null": lambda: None, "int": int, "str": str, "uuid": uuid.UUID}


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="ascii"))


def bound_values(case: dict[str, Any]) -> list[Any]:
    return [_PYTHON[kind](*content) for kind, *content in case["bound"]]


def hkdf(secret: bytes, *, info: bytes, salt: bytes = b"", length: int = 32) -> bytes:
    """HKDF-SHA-256 as RFC 5869 section 2 writes it."""
    pseudorandom_key = hmac.digest(salt or bytes(32), secret, "sha256")
    block, output = b"", b""
    for number in range(1, -(-length // 32) + 1):
        block = hmac.digest(pseudorandom_key, block + info + bytes([number]), "sha256")
        output += block
    return output[:length]


def key_id(secret: bytes) -> str:
    return hkdf(secret, info=LABEL + b"/key-id")[:4].hex()


def open_by_hand(
    secret: bytes, text: str, *, context: str, bound: Any = (), use: str = ""
) -> bytes:
    """Open a sealed text with `cryptography` alone."""
    header, _, encoded = text.rpartition(":")
    box = base64.b64decode(encoded)
    aad = b"bt-aad-1"
    for content in (f"{header}:".encode(), context.encode()):
        aad += struct.pack(">I", len(content)) + content
    aad += struct.pack(">I", len(bound))
    for value in bound:
        content = tagged(value)
        aad += struct.pack(">I", len(content)) + content
    key = hkdf(secret, info=LABEL + use.encode())
    return AESGCM(key).decrypt(box[:12], box[12:], aad)


def tagged(value: Any) -> bytes:
    if value is None:
        return b"N"
    if isinstance(value, uuid.UUID):
        return b"U" + value.bytes
    return (b"I" if isinstance(value, int) else b"S") + str(value).encode()
