"""The Security section of the admin; Django loads it where `django.contrib.admin` is installed."""

from __future__ import annotations

from contextlib import suppress

from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured

from bt_security.admin import sessions_page
from bt_security.admin.keys_page import EncryptionKeysAdmin
from bt_security.admin.sessions_page import SessionAdmin

__all__ = ["EncryptionKeysAdmin", "SessionAdmin"]

with suppress(ImproperlyConfigured):  # E001 and E002 speak of it
    sessions_page.register(admin.site)
