"""The sealed text: `e1:` or `e2:`, key id, optional blind index, base64."""

from __future__ import annotations

import re
import string
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from typing import NamedTuple

from bt_security.exceptions import NotSealed, Tampered

PREFIX_LENGTH = 12
"""Characters that name source and key: `e2:` + 8 hexadecimal digits + `:`."""

INDEX_LENGTH = 24
"""Characters of a blind index: 15 bytes in lower-case base32."""

NONCE_BYTES = 12
TAG_BYTES = 16

SHORTEST_SEALED = PREFIX_LENGTH + 40
"""Length of the sealed empty text: 28 bytes are 40 base64 characters."""

FOURTHS = frozenset("AEIMQUYcgkosw048")
"""Characters that may stand before a single `=`: their two left-over bits are zero."""

_ALPHABET = string.ascii_letters + string.digits + "+/"

ENDINGS = frozenset(
    [*(one + two for one in _ALPHABET for two in _ALPHABET), *(fourth + "=" for fourth in FOURTHS)]
)
"""Last two characters of canonical base64 that is unpadded or ends with one `=`."""

_SHAPE = re.compile(r"(e[12]:[0-9a-f]{8}:)(?:([a-z2-7]{24}):)?([A-Za-z0-9+/]+={0,2})", re.ASCII)


class Envelope(NamedTuple):
    """A sealed text in its parts: `prefix` of 12 characters, `index` or "", and the box."""

    prefix: str
    index: str  # type: ignore[assignment]  # hides tuple.index
    nonce: bytes
    box: bytes

    @property
    def header(self) -> str:
        """Everything before the base64 part."""
        return f"{self.prefix}{self.index}:" if self.index else self.prefix

    @property
    def key_id(self) -> str:
        """The 8 hexadecimal digits that name the key."""
        return self.prefix[3:11]


def looks_sealed(text: str) -> bool:
    """Whether `text` has the shape of a sealed value; says nothing about its content."""
    return len(text) >= SHORTEST_SEALED and _SHAPE.fullmatch(text) is not None


def decode_box(encoded: str) -> tuple[bytes, bytes]:
    """Return nonce and ciphertext with tag of the base64 part.

    Raises:
        Tampered: not base64, too short, or not the one canonical encoding of its bytes.
    """
    try:
        raw = a2b_base64(encoded, strict_mode=True)
    except (Base64Error, ValueError):
        raise Tampered(detail="not base64") from None
    if len(raw) < NONCE_BYTES + TAG_BYTES or not _is_canonical(encoded):
        raise Tampered(detail="not canonical base64")
    return raw[:NONCE_BYTES], raw[NONCE_BYTES:]


def _is_canonical(encoded: str) -> bool:
    """Whether length and left-over bits are those of an encoder; strict decoding does the rest."""
    if len(encoded) % 4:
        return False
    if not encoded.endswith("="):
        return True
    return encoded[-3] in "AQgw" if encoded.endswith("==") else encoded[-2] in FOURTHS


def parse_sealed(text: object) -> Envelope:
    """Take a sealed text apart without opening it.

    Raises:
        NotSealed: the text does not have the shape, or is not text at all: SQLite gives the
            bytes of a column that was binary once.
        Tampered: it has the shape, and its base64 part is not canonical.
    """
    match = _SHAPE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise NotSealed
    prefix, index, encoded = match.groups()
    return Envelope(prefix, index or "", *decode_box(encoded))


def format_sealed(header: str, nonce: bytes, box: bytes) -> str:
    """Put a sealed text together."""
    return header + b2a_base64(nonce + box, newline=False).decode("ascii")
