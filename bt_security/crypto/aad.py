"""What a sealed value is bound to: its header, its column and columns of its row."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

Bound = int | str | UUID | None
"""A column value that a sealed value can be bound to."""

_MAGIC = b"bt-aad-1"


def _with_length(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


def bound_bytes(value: Bound) -> bytes:
    """Return one bound value as a type tag and bytes.

    `N` is NULL, `I` an integer in ASCII decimal, `U` the 16 bytes of a UUID, `S` UTF-8 text.

    Raises:
        TypeError: any other type, bool included.
    """
    match value:
        case None:
            return b"N"
        case bool():
            raise TypeError("a bound column may not hold a bool")
        case int():
            return b"I" + str(value).encode("ascii")
        case UUID():
            return b"U" + value.bytes
        case str():
            return b"S" + value.encode("utf-8")
    raise TypeError(f"a bound column may not hold {type(value).__name__}")


def aad_tail(context: str, bound: Sequence[Bound] = ()) -> bytes:
    """Return what follows the header: the context, the number of bound values, and them."""
    parts = [_with_length(context.encode("utf-8")), len(bound).to_bytes(4, "big")]
    parts.extend(_with_length(bound_bytes(value)) for value in bound)
    return b"".join(parts)


def associated_data(header: str, tail: bytes) -> bytes:
    """Return the additional authenticated data of one sealed value.

    `header` is everything before the base64 part, `tail` comes from `aad_tail`. Every part
    is preceded by its length as 4 bytes, big-endian, so no two places give the same bytes.
    """
    return _MAGIC + _with_length(header.encode("ascii")) + tail
