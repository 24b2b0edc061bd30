"""HKDF-SHA-256 with the fixed labels of the format."""

from __future__ import annotations

from typing import Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

LABEL = b"bill-tracker-token-encryption-v1"
"""HKDF info label of the field encryption key; the other uses append their name to it."""

Use = Literal["", "/blind-index", "/key-id", "/wrap"]


def derive(secret: bytes, use: Use = "") -> bytes:
    """Return the 32-byte key that `secret` gives for one use.

    HKDF-SHA-256 with an empty salt; the info is `LABEL` followed by `use`.

    Source: RFC 5869 sections 2.2 and 2.3; an absent salt is 32 zero bytes.
    """
    info = LABEL + use.encode("ascii")
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(secret)
