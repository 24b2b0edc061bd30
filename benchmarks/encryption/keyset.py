"""The operator's keys of a run: always one that seals, and all earlier ones to open with."""

from __future__ import annotations

import os
from itertools import count

from bt_security import keys

_numbers = count(1)
_made: list[str] = []


def use_next_key() -> None:
    """Seal with a new key from now on, in child processes too."""
    _made.insert(0, f"{next(_numbers):04d}-benchmark-key-abcdefghijklmnopqrstuvwxyz")
    os.environ["TOKEN_ENCRYPTION_KEY"] = _made[0]
    if len(_made) > 1:
        os.environ["TOKEN_ENCRYPTION_KEY_PREVIOUS"] = ",".join(_made[1:])
    keys.forget()
