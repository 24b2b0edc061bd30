"""Visitors of every kind, and sites in every state of the keys."""

from __future__ import annotations

import os

import pytest
from django.contrib.auth.models import Permission

from bt_security import keys
from bt_security.models import Setting
from tests.testapp.models import Account

OLD = "old-operator-key-of-the-admin-tests-0123456789"
NEW = "new-operator-key-of-the-admin-tests-9876543210"
VARIABLES = ("TOKEN_ENCRYPTION_KEY", "TOKEN_ENCRYPTION_KEY_PREVIOUS")
PAGE = "/admin/bt_security/encryptionkeys/"
JSON = f"{PAGE}status.json"


def use_keys(current: str = "", *previous: str) -> None:
    """Start over with these keys, as a restarted process would."""
    for name, value in zip(VARIABLES, (current, ",".join(previous)), strict=True):
        os.environ.pop(name, None)
        if value:
            os.environ[name] = value
    keys.forget()


@pytest.fixture
def site(transactional_db):
    """A site that seals under its database key, and nothing left of it afterwards."""
    Setting.vault.all().delete()
    use_keys()
    keys.reload()
    yield
    use_keys()
    Setting.vault.all().delete()


@pytest.fixture
def staff(db):
    return Account.objects.create_user("staff@example.org", "password", is_staff=True)


@pytest.fixture
def staff_client(client, staff):
    """Someone who may use the admin, and nothing of it yet."""
    client.force_login(staff)
    return client


@pytest.fixture
def key_viewer_client(staff_client, staff):
    """Someone with the page's own permission."""
    staff.user_permissions.add(Permission.objects.get(codename="view_encryptionkeys"))
    return staff_client
