"""The Security section of the admin; Django loads it where `django.contrib.admin` is installed."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module

from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured

from bt_security.admin import audit_page, sessions_page
from bt_security.admin.account_actions import AccountActions
from bt_security.admin.audit_page import AuditEntryAdmin
from bt_security.admin.keys_page import EncryptionKeysAdmin
from bt_security.admin.sessions_page import SessionAdmin
from bt_security.admin.typed_deletion import TypedDeletionMixin
from bt_security.conf import conf

__all__ = [
    "AccountActions",
    "AuditEntryAdmin",
    "EncryptionKeysAdmin",
    "SessionAdmin",
    "TypedDeletionMixin",
]

with suppress(ImproperlyConfigured):  # E001 and E002 speak of it
    sessions_page.register(admin.site)
    audit_page.register(admin.site)
    if conf.has_feature("history"):  # a site without it does not load it
        import_module("bt_security.admin.login_events_page").register(admin.site)
