"""All models of the package, one file per aggregate."""

from __future__ import annotations

from bt_security.models.encryption_keys import EncryptionKeys
from bt_security.models.rotation import RotationRange
from bt_security.models.setting import Setting

__all__ = ["EncryptionKeys", "RotationRange", "Setting"]
