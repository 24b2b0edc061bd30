"""From the old text of a value to the new one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bt_security.crypto import PREFIX_LENGTH, Bound, aad_tail, parse_sealed
from bt_security.exceptions import NotSealed, Tampered
from bt_security.fields.binding import canonical
from bt_security.fields.codecs import NOT_A_VALUE
from bt_security.fields.column import INDEX_END, INDEXED_LENGTH
from bt_security.fields.foreign import open_plain
from bt_security.fields.sealing import ColumnSealer, quick_resealer
from bt_security.keys import Keyring

Reseal = Callable[[str, Sequence[Bound]], str]
"""Takes a stored text and the bound values; returns the text to store, the same one if current."""


def resealer(field: Any, keyring: Keyring) -> Reseal:
    """Return the function that re-seals values of one column under the key that seals.

    The function raises `OpenRefused` for a value that does not open.
    """
    sealer = ColumnSealer(keyring, contexts=field.contexts, lookups=field.lookups)
    if field.lookup or field.bind_to or field.previous_contexts or field.holds_other_text:
        return _careful(field, sealer)
    prefix, quick = sealer.prefix, quick_resealer(sealer)

    def reseal(text: str, bound: Sequence[Bound]) -> str:
        return text if text[:PREFIX_LENGTH] == prefix else quick(text)

    return reseal


def lone_resealer(fields: Sequence[Any], keyring: Keyring) -> Callable[[str], str] | None:
    """Return the shortest way to re-seal a table of one simple column, None for other tables."""
    if len(fields) != 1:
        return None
    field = fields[0]
    if field.lookup or field.bind_to or field.previous_contexts or field.holds_other_text:
        return None
    return quick_resealer(ColumnSealer(keyring, contexts=field.contexts, lookups=()))


def _careful(field: Any, sealer: ColumnSealer) -> Reseal:
    key = sealer.keyring.sealing_key

    def reseal(text: str, bound: Sequence[Bound]) -> str:
        if _is_current(field, sealer, text, bound):
            return text
        try:
            content = sealer.open_with(text, bound)
        except NotSealed:
            content = _encoded(field, open_plain(field, text, inside_rotation=True))
        indexed = _indexed_text(field, content) if field.lookup else None
        return sealer.seal_with(content, indexed=indexed, bound=bound, key=key)

    return reseal


def _encoded(field: Any, value: Any) -> bytes:
    try:
        content: bytes = field.codec.encode(value)
    except NOT_A_VALUE:
        raise Tampered(detail="not a value that this field can store") from None
    return content


def _is_current(field: Any, sealer: ColumnSealer, text: str, bound: Sequence[Bound]) -> bool:
    """Whether nothing of the text is old: key, context and index."""
    if text[:PREFIX_LENGTH] != sealer.prefix or (
        field.lookup and text[INDEX_END:INDEXED_LENGTH] != ":"
    ):
        return False
    if not (field.previous_contexts or field.previous_lookups or field.holds_other_text):
        return True
    envelope = parse_sealed(text)
    try:
        content = sealer.keyring.open(envelope, tail=aad_tail(field.context, bound))
    except Tampered:
        return False
    if not field.lookup:
        return not envelope.index
    return envelope.index == next(sealer.index_values(_indexed_text(field, content)))


def _indexed_text(field: Any, content: bytes) -> str:
    try:
        text: str = field.codec.to_text(field.codec.decode(content))
    except NOT_A_VALUE:
        raise Tampered(detail="not a value of this field's type") from None
    return text


def bound_values(field: Any, columns: Sequence[Any], values: Sequence[Any]) -> list[Bound]:
    """Return the binding of one row for `field` from raw column values.

    Raises:
        Tampered: a column holds what is not of its type, which SQLite allows.
    """
    by_name = {column.name: (column, value) for column, value in zip(columns, values, strict=True)}
    try:
        return [canonical(*by_name[name]) for name in field.bind_to]
    except NOT_A_VALUE:
        raise Tampered(detail="a bound column does not hold a value of its type") from None
