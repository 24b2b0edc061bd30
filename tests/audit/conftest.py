"""A site whose audit log is on, and the entries it has."""

from __future__ import annotations

import json

import pytest
from django.contrib import admin
from django.contrib.admin.actions import delete_selected
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.signals import request_finished
from django.db.models.signals import m2m_changed, post_delete, post_migrate, post_save

from bt_security.audit import actions, pending, personal, receivers
from bt_security.keys import purpose_keys
from bt_security.models import AuditEntry
from bt_security.signals import credentials_changed, security_event

PASSWORD = "Correct-horse-7"
SIGNALS = [
    security_event,
    credentials_changed,
    user_logged_in,
    user_logged_out,
    user_login_failed,
    post_save,
    post_delete,
    post_migrate,
    m2m_changed,
    request_finished,
]


@pytest.fixture
def audit_on(settings, db):
    """The feature with its receivers, all of which are gone before the tables are flushed."""
    settings.BT_SECURITY_FEATURES = ["audit"]
    before = {signal: list(signal.receivers) for signal in SIGNALS}
    known = dict(actions._actions)
    receivers.connect()
    personal.forget()
    yield
    for signal, connected in before.items():
        signal.receivers[:] = connected
        signal.sender_receivers_cache.clear()
    admin.site.add_action(delete_selected, "delete_selected")
    actions._actions.clear()
    actions._actions.update(known)
    personal.forget()
    pending._left.clear()


@pytest.fixture
def log(audit_on):
    """The log of this test: `log()` gives its entries, the oldest first."""
    for purpose in ("audit-mac", "audit-address", "audit-name"):
        purpose_keys(purpose)
    return Log()


class Log:
    """Entries with their bodies as Python values, without those of keys that a test needs."""

    def __call__(self, **of):
        found = AuditEntry.objects.filter(**of).order_by("id")
        if "action" not in of:
            found = found.exclude(action__startswith="keys.")
        return [Seen(entry) for entry in found]

    def only(self, **of):
        (found,) = self(**of)
        return found

    def actions(self):
        return [entry.action for entry in self()]


class Seen:
    """An entry, its body, and its personal data."""

    def __init__(self, entry):
        self.entry = entry
        self.body = json.loads(entry.body)

    def __getattr__(self, name):
        return getattr(self.entry, name)

    @property
    def personal_data(self):
        return personal.open_personal(
            bytes(self.entry.personal), key_id=self.entry.subject_key, uid=self.entry.uid
        )


@pytest.fixture
def user(db):
    return make_user("mary")


def make_user(name, **fields):
    return get_user_model().objects.create_user(f"{name}@example.com", PASSWORD, **fields)
