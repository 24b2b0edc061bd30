"""Whether one entry is what was recorded, as far as that can be told without its seal."""

from __future__ import annotations

from typing import Literal

from bt_security.audit.verification.rows import Reader, is_sound, mac_secrets
from bt_security.audit.writing import alias

Soundness = Literal["sound", "changed", "unknown"]


def soundness(entry_id: int) -> Soundness:
    """Compare an entry, as it is stored, with its hash and MAC.

    "unknown": the keys of MACs are not at hand, and the hash alone is right.
    """
    secrets = mac_secrets()
    if not all(is_sound(stored.row, secrets) for stored in Reader(alias()).chosen([entry_id])):
        return "changed"
    return "unknown" if secrets is None else "sound"
