"""Login history: who logged in when and from where, for the account's owner."""

from __future__ import annotations

from bt_security.history.recording import (
    arecord_factor_failed,
    record_factor_failed,
    replay_spool,
)

__all__ = ["arecord_factor_failed", "record_factor_failed", "replay_spool"]
