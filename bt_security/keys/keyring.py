"""A snapshot of the keys in force: which one seals, which ones open."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bt_security.crypto import Envelope, SealingKey
from bt_security.exceptions import KeyRefused, RetiredKey, WrongKey
from bt_security.keys.state import KeyState
from bt_security.types import KeySource


@dataclass(frozen=True, slots=True, eq=False)
class Keyring:
    """Keys by the 12-character prefix of the values they open; compared by identity.

    `refusal` says why nothing may be sealed when `sealer` is None. `opens_database_key` is
    False once `e1:` values are refused whatever key they name. `has_lost_state`: values have moved
    to an operator key, and the row that says so is gone. `stale_after` is a monotonic
    time in seconds after which the snapshot is read again, infinite when nothing in the
    database matters.
    """

    openers: Mapping[str, SealingKey]
    sealer: SealingKey | None = None
    refusal: KeyRefused | None = None
    state: KeyState | None = None
    database_keys: Sequence[SealingKey] = ()
    operator_key: SealingKey | None = None
    previous_keys: Sequence[SealingKey] = ()
    loaded_at: float = 0.0
    stale_after: float = math.inf
    opens_database_key: bool = True
    has_lost_state: bool = False

    @property
    def is_stable(self) -> bool:
        """Whether nothing in the database can make this snapshot stale."""
        return self.stale_after == math.inf

    @property
    def sealing_key(self) -> SealingKey:
        """The key that seals.

        Raises:
            KeyRefused: this process may not seal; the message says what to do.
        """
        if self.sealer is not None:
            return self.sealer
        refusal = self.refusal or KeyRefused("no key that seals")
        raise type(refusal)(*refusal.args)

    @property
    def source(self) -> KeySource:
        """Where the key that seals comes from."""
        if self.sealer is None:
            return "database" if self.operator_key is None else "environment"
        return "database" if self.sealer.version == "e1" else "environment"

    def opener(self, prefix: str) -> SealingKey:
        """Return the one key that may open a value with this prefix.

        Raises:
            RetiredKey: the value names the database key, which opens nothing any more.
            WrongKey: no such key is configured.
        """
        key = self.openers.get(prefix)
        if key is not None:
            return key
        if prefix.startswith("e1:") and not self.opens_database_key:
            raise RetiredKey(key_id=prefix[3:11])
        raise WrongKey(key_id=prefix[3:11])

    def open(self, envelope: Envelope, *, tail: bytes) -> bytes:
        """Open a parsed value with exactly the key that it names.

        Raises:
            RetiredKey, WrongKey: see `opener`.
            Tampered: content, header or place is not the one that was sealed.
        """
        return self.opener(envelope.prefix).open(envelope, tail=tail)
