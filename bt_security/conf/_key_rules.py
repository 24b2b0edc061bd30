"""The form of operator keys: pure rules that name the fault and never quote a key."""

from __future__ import annotations

import unicodedata

KEY_MIN_BYTES = 32
MIN_DISTINCT_BYTES = 10


def current_fault(key: bytes) -> str:
    """Return which rule the key that seals breaks, or "" for a good one."""
    if not key:
        return "it is empty. Without an operator key, leave it out"
    if len(key) < KEY_MIN_BYTES:
        return f"it has {len(key)} bytes and needs at least {KEY_MIN_BYTES}"
    return _text_fault(key) or _pattern_fault(key)


def previous_fault(key: bytes) -> str:
    """Return which rule a key that only opens breaks, or "" for a good one."""
    if not key:
        return "is empty"
    if len(key) < KEY_MIN_BYTES:
        return f"has {len(key)} bytes and needs at least {KEY_MIN_BYTES}"
    return ""


def _text_fault(key: bytes) -> str:
    try:
        text = key.decode("utf-8")
    except UnicodeDecodeError:
        return f"its {len(key)} bytes are not UTF-8 text"
    if "," in text:
        return "it contains a comma, which separates the previous keys"
    if any(character.isspace() for character in text):
        return "it contains white space; only a key file may end with one newline"
    if any(unicodedata.category(character) in {"Cc", "Cf"} for character in text):
        return "it contains a control or invisible character"
    return ""


def _pattern_fault(key: bytes) -> str:
    distinct = len(set(key))
    if distinct < MIN_DISTINCT_BYTES:
        return f"it has {distinct} distinct bytes and needs at least {MIN_DISTINCT_BYTES}"
    if any(key.startswith(key[period:]) for period in range(1, len(key) // 2 + 1)):
        return f"its {len(key)} bytes repeat a shorter pattern"
    return ""
