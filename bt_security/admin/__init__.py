"""The Security section of the admin; Django loads it where `django.contrib.admin` is installed."""

from __future__ import annotations

from bt_security.admin.keys_page import EncryptionKeysAdmin

__all__ = ["EncryptionKeysAdmin"]
