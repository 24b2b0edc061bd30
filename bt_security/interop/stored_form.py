"""The forms in which an old column's value arrives: bytes, text, or the text of bytes."""

from __future__ import annotations

from typing import TypeAlias

from bt_security.exceptions import Tampered

Stored: TypeAlias = str | bytes | memoryview
"""What a database driver returns for a text or binary column."""

HEX_MARK = "\\x"


def bytes_of(stored: Stored) -> bytes | None:
    """Return the bytes that the old field wrote, None when `stored` cannot be those.

    PostgreSQL turns `bytea` into `\\x` and lower-case hexadecimal digits when the column becomes a
    text column; that form is read back, in this one spelling only. Other text is itself.

    Source: PostgreSQL manual, 8.4.1 "bytea Hex Format".
    """
    if not isinstance(stored, str):
        return bytes(stored)
    digits = stored.removeprefix(HEX_MARK)
    try:
        raw = stored.encode() if digits == stored else bytes.fromhex(digits)
    except ValueError:  # UnicodeEncodeError is one
        return None
    return raw if digits in (stored, raw.hex()) else None


def text_of(opened: bytes) -> str:
    """Decode authenticated content that has to be text.

    Raises:
        Tampered: it is not UTF-8.
    """
    try:
        return opened.decode()
    except UnicodeDecodeError:
        raise Tampered(detail="the content opened and is not text") from None
