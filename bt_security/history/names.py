"""The name that somebody typed: whose it is, and what is kept where it is nobody's."""

from __future__ import annotations

from bt_security.keys import keyed_digest, keyed_digests
from bt_security.ratelimit.folding import folded

PURPOSE = "login-name"


def name_digest(typed: str) -> str:
    """Return what is stored for a name that no account has: all spellings of it are one.

    Raises:
        KeyRefused: this process may not make the key of the digests.
    """
    return keyed_digest(PURPOSE, _content(typed))


def name_digests(typed: str) -> list[str]:
    """Return what a name may be stored as, under every generation of the key, the newest first.

    Raises:
        KeyRefused: this process may not make the key of the digests.
    """
    return keyed_digests(PURPOSE, _content(typed))


def _content(typed: str) -> bytes:
    return folded(typed).encode("utf-8", "replace")
