"""Keys: where they come from, which one seals, which ones open."""

from __future__ import annotations

from bt_security.keys.current import forget, opener, reload, ring
from bt_security.keys.keyring import Keyring
from bt_security.keys.purpose import (
    PurposeKey,
    keyed_digest,
    keyed_digests,
    new_generation,
    purpose_key,
    purpose_keys,
)

__all__ = [
    "Keyring",
    "PurposeKey",
    "forget",
    "keyed_digest",
    "keyed_digests",
    "new_generation",
    "opener",
    "purpose_key",
    "purpose_keys",
    "reload",
    "ring",
]
