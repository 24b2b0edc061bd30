"""Stored text that is not ours: plaintext from before, and other packages' formats."""

from __future__ import annotations

from typing import Any

from bt_security.conf import conf
from bt_security.exceptions import NotSealed, Tampered
from bt_security.fields.codecs import NOT_A_VALUE
from bt_security.interop import load_reader


def formats_named_for(*contexts: str | None) -> list[str]:
    """Return the readers that `BT_SECURITY_KEYS_FOREIGN_FORMATS` names for a column.

    SQLite copies a table through a model of another name, so a column is looked for under the
    context that its migration recorded, too.
    """
    formats = conf.keys.foreign_formats
    wanted = {str(context).lower() for context in contexts if context}
    return next((paths for label, paths in formats.items() if label.lower() in wanted), [])


def open_plain(field: Any, text: str, *, inside_rotation: bool) -> Any:
    """Return the value of a stored text that does not have our shape.

    A foreign format named for the column is tried first, and nothing falls through from it to
    plaintext. Bound columns and formats without a prefix open inside rotation only.

    Raises:
        NotSealed: neither a foreign format nor plaintext is allowed here.
        WrongKey, Tampered: a foreign value does not open.
    """
    for path in field.foreign_formats:
        reader = load_reader(path)
        if reader.is_foreign(text) and (
            inside_rotation or (reader.HAS_PREFIX and not field.bind_to)
        ):
            opened = reader.open_foreign(text, internal_type=plain_type(field))
            return _converted(field, opened)
    if not field.allow_plaintext or _begins_sealed(text):
        raise NotSealed
    return _converted(field, text)


def is_plaintext_of(field: Any, text: str) -> bool:
    """Whether a row may hold `text` as its plaintext; no stored ciphertext is found by itself."""
    if not field.allow_plaintext or _begins_sealed(text):
        return False
    return not any(load_reader(path).is_foreign(text) for path in field.foreign_formats)


def _begins_sealed(text: str) -> bool:
    return text[:3] in {"e1:", "e2:"}


def plain_type(field: Any) -> str:
    """Return the internal type of the plain field, such as `CharField`."""
    return str(field.plain_field.get_internal_type())


def _converted(field: Any, value: object) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return field.codec.to_python(value)
    except NOT_A_VALUE:
        raise Tampered(detail="not a value of this field's type") from None
