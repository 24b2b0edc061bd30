"""Sessions that cannot be stolen from where they are stored, and that end when they should."""

from __future__ import annotations

from bt_security.sessions.own import (
    SessionInfo,
    afor_user,
    arevoke,
    arevoke_all,
    arevoke_others,
    arotate,
    current_id,
    for_user,
    live_among,
    revoke,
    revoke_all,
    revoke_everybody,
    revoke_others,
    rotate,
)

__all__ = [
    "SessionInfo",
    "afor_user",
    "arevoke",
    "arevoke_all",
    "arevoke_others",
    "arotate",
    "current_id",
    "for_user",
    "live_among",
    "revoke",
    "revoke_all",
    "revoke_everybody",
    "revoke_others",
    "rotate",
]
