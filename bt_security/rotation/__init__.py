"""Re-sealing what is old: `rotate_keys`, `key_status` and the first start with a key."""

from __future__ import annotations

from bt_security.rotation.report import Failure, Report
from bt_security.rotation.run import Choice, rotate
from bt_security.rotation.status import KeyStatus, key_status

__all__ = ["Choice", "Failure", "KeyStatus", "Report", "key_status", "rotate"]
