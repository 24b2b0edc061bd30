"""Opens the API keys and passwords of TREK: `enc:v1:` and base64, under `TREK_ENCRYPTION_KEY`."""

from __future__ import annotations

from bt_security.interop.stored_form import Stored
from bt_security.interop.trek_layout import TrekLayout

__all__ = ["HAS_PREFIX", "NAME", "is_foreign", "open_foreign"]

NAME = "TREK api_keys"
HAS_PREFIX = True

_LAYOUT = TrekLayout(prefix=b"enc:v1:", key_suffix=b":api_keys:v1")


def is_foreign(stored: Stored) -> bool:
    """Tell whether `stored` is `enc:v1:` with a body that is long enough."""
    return _LAYOUT.body_of(stored) is not None


def open_foreign(stored: Stored, *, internal_type: str) -> str:
    """Return the text; TREK stored nothing else, so `internal_type` is not asked.

    Raises:
        NotSealed: not this format; TREK itself took such a value for plaintext.
        WrongKey: another key, or changed.
        Tampered: it opened and is not text.
        ImproperlyConfigured: `TREK_ENCRYPTION_KEY` is missing.
    """
    return _LAYOUT.open(stored)
