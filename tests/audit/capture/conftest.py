"""Rows of audited models, made without an entry, and the changes that entries tell."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from bt_security.audit import capture
from bt_security.models import AuditEntry
from tests.testapp.models import Ledger, Safe


@pytest.fixture(autouse=True)
def _connected(audit_on):
    capture.connect()


@pytest.fixture
def make(db, settings):
    """Make a ledger past the log, and load it: `make(name="Cash")`."""

    def made(**values):
        settings.BT_SECURITY_FEATURES = []
        key = Ledger.objects.create(**{"name": "Cash", **values}).pk
        settings.BT_SECURITY_FEATURES = ["audit"]
        return Ledger.objects.get(pk=key)

    return made


@pytest.fixture
def ledger(make):
    return make()


@pytest.fixture
def changes(log):
    """The changes of the only entry of an action."""
    return lambda action="model.changed": log.only(action=action).body["changes"]


@pytest.fixture
def safe(db, settings):
    settings.BT_SECURITY_FEATURES = []
    Safe.objects.create(slug="a", content="gold", papers={"deed": 1}, hint="h")
    settings.BT_SECURITY_FEATURES = ["audit"]
    return Safe.objects.get(slug="a")


@pytest.fixture
def without_table(transactional_db):
    """A database that takes no entry."""
    with connection.schema_editor() as editor:
        editor.alter_db_table(AuditEntry, "bt_security_audit_entry", "elsewhere")
    yield
    with connection.schema_editor() as editor:
        editor.alter_db_table(AuditEntry, "elsewhere", "bt_security_audit_entry")


def roll_back(work):
    """Do something in a transaction that is rolled back."""
    with transaction.atomic():
        work()
        transaction.set_rollback(True)
