"""Opens values of django-fernet-encrypted-fields 0.4.0: Fernet tokens in text and JSON columns.

Settings: `SALT_KEY`, one or a list, combined with `SECRET_KEY` and `SECRET_KEY_FALLBACKS`. In a
JSON column only the values are tokens: names, order and nesting were never protected.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from bt_security.exceptions import NotSealed
from bt_security.interop.fernet_token import is_token, open_token
from bt_security.interop.old_settings import secret_keys, secret_list
from bt_security.interop.stored_form import Stored, bytes_of, text_of

__all__ = ["HAS_PREFIX", "NAME", "is_foreign", "open_foreign"]

NAME = "django-fernet-encrypted-fields"
HAS_PREFIX = False  # a plaintext may begin like a Fernet token

_ITERATIONS = 100_000
_DEPTH_MAX = 200
_JSON_STARTS = (b"{", b"[", b'"')


def is_foreign(stored: Stored) -> bool:
    """Tell whether `stored` is a token, or JSON in which every value is one.

    An empty object or list counts: the old package stored it as it is.
    """
    found = bytes_of(stored) or b""
    return is_token(found) or _json_of(found) is not None


def open_foreign(stored: Stored, *, internal_type: str) -> str:
    """Return text for the field's codec; for "JSONField" the structure as JSON text.

    The old package turned every value inside JSON into text: 1 comes back as "1", true as "True".

    Raises:
        NotSealed: not a value of this package.
        WrongKey: no combination of `SALT_KEY` and `SECRET_KEY` opens it, or it was changed.
        Tampered: it opened and is not text.
        ImproperlyConfigured: `SALT_KEY` is missing or malformed.
    """
    found = bytes_of(stored) or b""
    if is_token(found):
        return _open_text(found.decode())
    tree = _json_of(found) if internal_type == "JSONField" else None
    if tree is None:
        raise NotSealed(detail=f"not a value of {NAME}")
    return json.dumps(_mapped(tree, _open_text))


def _open_text(token: str) -> str:
    return text_of(open_token(token.encode(), _keys()))


def _keys() -> Iterator[Fernet]:
    salts = secret_list("SALT_KEY")
    return (_derived_key(key, salt) for key in secret_keys() for salt in salts)


@lru_cache(maxsize=64)
def _derived_key(secret_key: bytes, salt: bytes) -> Fernet:
    kdf = PBKDF2HMAC(hashes.SHA256(), length=32, salt=salt, iterations=_ITERATIONS)
    return Fernet(base64.urlsafe_b64encode(kdf.derive(secret_key)))


def _json_of(found: bytes) -> object | None:
    """Return the decoded structure when each of its values is a token."""
    if not found.startswith(_JSON_STARTS):
        return None
    try:
        tree = json.loads(found)
        return _mapped(tree, _token)
    except (ValueError, RecursionError):
        return None


def _token(leaf: object) -> str:
    if isinstance(leaf, str) and leaf.isascii() and is_token(leaf.encode()):
        return leaf
    raise ValueError


def _mapped(tree: Any, change: Callable[[Any], str], depth: int = 0) -> object:
    if depth > _DEPTH_MAX:
        raise ValueError
    if isinstance(tree, dict):
        return {name: _mapped(branch, change, depth + 1) for name, branch in tree.items()}
    if isinstance(tree, list):
        return [_mapped(branch, change, depth + 1) for branch in tree]
    return change(tree)
