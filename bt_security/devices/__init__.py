"""Browsers that an account is known by, through a long-lived random cookie."""

from __future__ import annotations

from bt_security.devices.known import find, for_user, identify, is_known
from bt_security.devices.marks import is_trusted, revoke, revoke_all, trust, untrust
from bt_security.devices.remembering import remember

__all__ = [
    "find",
    "for_user",
    "identify",
    "is_known",
    "is_trusted",
    "remember",
    "revoke",
    "revoke_all",
    "trust",
    "untrust",
]
