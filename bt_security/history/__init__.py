"""Login history: who logged in when and from where, for the account's owner."""

from __future__ import annotations

from bt_security.history.recording import record_factor_failed, replay_spool

__all__ = ["record_factor_failed", "replay_spool"]
