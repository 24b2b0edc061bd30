"""What may stand in an entry: short ASCII texts and canonical JSON without secrets.

Nothing here raises because of a value's shape: whoever sends a request must not be able to
choose a value that keeps its entry from being written.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.utils.functional import Promise

from bt_security.crypto import looks_sealed
from bt_security.types import Address

REDACTED = "[redacted]"
MASKED = "[changed]"
"""What stands for a value that changed and is not shown, also under the name of a secret."""

SHORTENED = "shortened_from_chars"
"""Key of a body that had to be cut down to its keys."""

MAX_BODY_CHARS = 16_384
MAX_TEXT_CHARS = 2_000
MAX_ITEMS = 200
MAX_DEPTH = 6
DIGEST_CHARS = 8

_SCALARS = (str, bool, int, float)
_UNSAFE = re.compile(r"[^\x20-\x7e]")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_ALWAYS_SECRET = frozenset(
    {"password", "passwd", "passphrase", "secret", "cookie", "authorization"}
    | {"passcode", "pwd", "bearer", "cvv", "sessionid"}
)
_SECRET_AT_THE_END = frozenset(
    {"token", "code", "codes", "key", "otp", "pin", "credential", "credentials", "csrf", "nonce"}
    | {"tokens", "keys", "jwt", "assertion", "signature", "pass"}
)
_SECRET_ENDINGS = ("password", "passwords", "passwd")
_SAYS_NOTHING_BEHIND = frozenset({"value", "values", "material"})
_WRITTEN_TOGETHER = re.compile(r".*tokens?|(?:api|secret|private|access|session|signing)keys?")


def clean_text(value: object, *, max_chars: int) -> str:
    """Return `value` as printable ASCII of at most `max_chars` characters.

    Other characters are escaped as in Python, so that no database and no collation changes them.
    A longer text is cut and ends with "~" and eight characters of its SHA-256: two long texts
    stay two.
    """
    text = str(value)
    if not (text.isascii() and text.isprintable()):
        text = _UNSAFE.sub(_escaped, text)
    if len(text) <= max_chars:
        return text
    mark = hashlib.sha256(text.encode()).hexdigest()[:DIGEST_CHARS]
    return f"{text[: max_chars - DIGEST_CHARS - 1]}~{mark}"


def canonical_json(details: Mapping[str, Any] | None) -> str:
    """Return `details` as JSON: sorted keys, no spaces, ASCII, secrets redacted, size bounded.

    A value whose key speaks of a secret, or that is sealed text, becomes "[redacted]". Dates are
    ISO 8601, other types become text. A body over 16,384 characters keeps its keys only.
    """
    if not details:
        return "{}"
    body = _dump(_plain(details, depth=0))
    if len(body) <= MAX_BODY_CHARS:
        return body
    keys = [clean_text(key, max_chars=64) for key in list(details)[:MAX_ITEMS]]
    return _dump({SHORTENED: len(body), "keys": sorted(keys)})


@lru_cache(maxsize=1_024)
def is_secret_name(name: str) -> bool:
    """Whether a key or field of this name holds a secret, by its words: `api_token`, `pinCode`.

    Numbers and words such as "value" say nothing at the end of a name: `token_value`, `code_1`.
    """
    words = [word.lower() for word in _WORDS.findall(name)]
    if any(word in _ALWAYS_SECRET or word.endswith(_SECRET_ENDINGS) for word in words):
        return True
    while words and (words[-1].isdigit() or words[-1] in _SAYS_NOTHING_BEHIND):
        words.pop()
    return bool(words) and (
        words[-1] in _SECRET_AT_THE_END or _WRITTEN_TOGETHER.fullmatch(words[-1]) is not None
    )


def _escaped(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape", "backslashreplace").decode("ascii")


def _dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _plain(value: Any, *, depth: int) -> Any:
    if value is None:
        return None
    if value.__class__ is str:
        return _plain_text(value)
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, _SCALARS):
        return _plain_scalar(value)
    if depth >= MAX_DEPTH:
        return f"[{type(value).__name__}]"
    if isinstance(value, Mapping):
        return _plain_mapping(value, depth=depth)
    if isinstance(value, (list, tuple)):
        return _plain_items(value, depth=depth)
    if isinstance(value, set | frozenset):
        return _plain_items(sorted(value, key=repr), depth=depth)
    return _plain_object(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, str):
        return _plain_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and value.bit_length() > 64:
        return f"[integer of {value.bit_length()} bits]"
    return value


def _plain_text(text: str) -> str:
    if looks_sealed(text):
        return REDACTED
    if len(text) > MAX_TEXT_CHARS:
        text = f"{text[:MAX_TEXT_CHARS]}~ of {len(text)} characters"
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _plain_mapping(value: Mapping[Any, Any], *, depth: int) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, item in list(value.items())[:MAX_ITEMS]:
        name = clean_text(key, max_chars=64)
        is_hidden = is_secret_name(name) and not _tells_nothing(item)
        plain[name] = REDACTED if is_hidden else _plain(item, depth=depth + 1)
    if len(value) > MAX_ITEMS:
        plain["~"] = f"{len(value) - MAX_ITEMS} more"
    return plain


def _tells_nothing(item: Any) -> bool:
    """Whether a value under the name of a secret may be read: whether there is one, not which."""
    return item is None or isinstance(item, bool) or (isinstance(item, str) and item == MASKED)


def _plain_items(value: Iterable[Any], *, depth: int) -> list[Any]:
    items = list(value)
    plain = [_plain(item, depth=depth + 1) for item in items[:MAX_ITEMS]]
    if len(items) > MAX_ITEMS:
        plain.append(f"~ {len(items) - MAX_ITEMS} more")
    return plain


def _plain_object(value: Any) -> str:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal | UUID | timedelta | Address | Promise):
        return _plain_text(str(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    if isinstance(value, Model):
        return _plain_text(f"{value._meta.label_lower}:{value.pk}")
    return f"[{type(value).__name__}]"
