"""Purpose keys: random keys for digests that can never be recomputed.

Each is 32 random bytes, stored sealed under the `/wrap` key. Rotation seals it anew and leaves
its bytes alone, so every digest made with it goes on matching.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from typing import NamedTuple

from bt_security.crypto import SealingKey, aad_tail, parse_sealed
from bt_security.keys import current, store
from bt_security.keys.keyring import Keyring
from bt_security.signals import report

KEY_BYTES = 32
PURPOSE_NAME_LENGTH = 80


class PurposeKey(NamedTuple):
    """One generation of the key for one purpose; `secret` is 32 bytes."""

    purpose: str
    generation: int
    secret: bytes

    def __repr__(self) -> str:
        return f"<PurposeKey {self.purpose} {self.generation}>"

    def digest(self, data: bytes) -> str:
        """Return `generation$hex` of the HMAC-SHA-256 of `data`."""
        return f"{self.generation}${hmac.digest(self.secret, data, 'sha256').hex()}"


def purpose_keys(purpose: str) -> list[PurposeKey]:
    """Return all generations of a purpose, newest first; the first one is made if missing.

    Raises:
        KeyRefused: there is none and this process may not seal one.
        WrongKey, Tampered: a stored one does not open.
    """
    prefix = _row_prefix(purpose)
    stored = dict(store.rows().filter(name__startswith=prefix).values_list("name", "value"))
    if not stored:
        new_generation(purpose)
        stored = dict(store.rows().filter(name__startswith=prefix).values_list("name", "value"))
    keys = [_open(name, text) for name, text in stored.items()]
    return sorted(keys, key=lambda key: key.generation, reverse=True)


def keyed_digest(purpose: str, data: bytes) -> str:
    """Return the digest of `data` under the newest key of `purpose`: what is stored."""
    return purpose_keys(purpose)[0].digest(data)


def keyed_digests(purpose: str, data: bytes) -> list[str]:
    """Return the digests of `data` under every generation, newest first: what is looked up."""
    return [key.digest(data) for key in purpose_keys(purpose)]


def new_generation(purpose: str) -> int:
    """Add a generation to a purpose and return its number, counted from 1.

    Digests made before keep matching through their own generation.
    """
    prefix = _row_prefix(purpose)
    names = store.rows().filter(name__startswith=prefix).values_list("name", flat=True)
    generation = max((int(name.rsplit("/", 1)[1]) for name in names), default=0) + 1
    name = f"{prefix}{generation}"
    store.insert_once(name, _seal(name, os.urandom(KEY_BYTES), current.ring().sealing_key))
    report("keys.purpose_key_created", target=f"purpose:{purpose}")
    return generation


def rewrap(name: str, text: str, *, keyring: Keyring) -> str:
    """Seal a stored purpose key under the key that seals; its bytes stay the same.

    Raises:
        WrongKey, RetiredKey, Tampered: the stored one does not open.
    """
    secret = _open(name, text, find_key=keyring.opener).secret
    return _seal(name, secret, keyring.sealing_key)


def _row_prefix(purpose: str) -> str:
    if not purpose or "/" in purpose or len(purpose) > PURPOSE_NAME_LENGTH:
        raise ValueError(f"not a purpose name: {purpose!r}")
    return f"{store.PURPOSE_PREFIX}{purpose}/"


def _tail(name: str) -> bytes:
    return aad_tail(f"bt_security.setting.{name}")


def _seal(name: str, secret: bytes, key: SealingKey) -> str:
    return key.wrap(secret, tail=_tail(name))


def _open(
    name: str, text: str, *, find_key: Callable[[str], SealingKey] = current.opener
) -> PurposeKey:
    envelope = parse_sealed(text)
    secret = find_key(envelope.prefix).unwrap(envelope, tail=_tail(name))
    _, purpose, generation = name.split("/")
    return PurposeKey(purpose, int(generation), secret)
