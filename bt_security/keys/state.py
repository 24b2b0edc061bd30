"""The key state: how far the move from the database key to an operator key has come."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from bt_security.crypto import SealingKey, aad_tail, parse_sealed
from bt_security.exceptions import KeyMismatch
from bt_security.keys import store

Phase = Literal["migrating", "done"]

_TAIL = aad_tail("bt_security.setting._key_state")


@dataclass(frozen=True, slots=True)
class KeyState:
    """`migrating`: database-key values open and new ones use the operator key; `done`: they
    are refused. `since` is when the phase began, aware UTC."""

    phase: Phase
    since: datetime


def open_state(stored: str, keys: Mapping[str, SealingKey]) -> KeyState:
    """Open the stored state with one of `keys`, by prefix.

    Raises:
        KeyMismatch: it was sealed under an operator key that is not configured.
        Tampered: it was changed.
    """
    envelope = parse_sealed(stored)
    key = keys.get(envelope.prefix)
    if key is None:
        known = ", ".join(sorted(key.key_id for key in keys.values())) or "none"
        raise KeyMismatch(
            f"this database was sealed under the operator key with id {envelope.key_id}, "
            f"but the configured key ids are: {known}. Set TOKEN_ENCRYPTION_KEY to that key, or "
            "name it in TOKEN_ENCRYPTION_KEY_PREVIOUS to change it. Nothing was touched."
        )
    content = json.loads(key.unwrap(envelope, tail=_TAIL))
    return KeyState(content["phase"], datetime.fromisoformat(content["since"]))


def _sealed(phase: Phase, key: SealingKey, since: datetime) -> str:
    content = json.dumps({"phase": phase, "since": since.isoformat()})
    return key.wrap(content.encode("ascii"), tail=_TAIL)


def write_state(phase: Phase, key: SealingKey, *, since: datetime | None = None) -> None:
    """Store the state under the operator key, in the caller's transaction."""
    store.write(store.KEY_STATE, _sealed(phase, key, since or datetime.now(UTC)))


def claim_done(key: SealingKey) -> str:
    """Note that a database without database key starts under `key`; return the stored text.

    Of processes that race, one wins.
    """
    return store.insert_once(store.KEY_STATE, _sealed("done", key, datetime.now(UTC)))
