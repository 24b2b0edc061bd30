"""Opens the second-factor secrets of TREK: base64 without a prefix, under `TREK_ENCRYPTION_KEY`."""

from __future__ import annotations

from bt_security.interop.stored_form import Stored
from bt_security.interop.trek_layout import TrekLayout

__all__ = ["HAS_PREFIX", "NAME", "is_foreign", "open_foreign"]

NAME = "TREK mfa"
HAS_PREFIX = False

_LAYOUT = TrekLayout(prefix=b"", key_suffix=b":mfa:v1")


def is_foreign(stored: Stored) -> bool:
    """Tell whether `stored` is base64 of 28 bytes or more."""
    return _LAYOUT.body_of(stored) is not None


def open_foreign(stored: Stored, *, internal_type: str) -> str:
    """Return the text; TREK stored nothing else, so `internal_type` is not asked.

    Raises:
        NotSealed: not base64, or too short.
        WrongKey: another key, or changed.
        Tampered: it opened and is not text.
        ImproperlyConfigured: `TREK_ENCRYPTION_KEY` is missing.
    """
    return _LAYOUT.open(stored)
