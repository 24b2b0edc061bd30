"""The routes of the own account, as a logged-in browser uses them."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client

from tests.testapp.models import Account


@pytest.fixture(autouse=True)
def _counting_cache(settings):
    settings.BT_SECURITY_FEATURES = ["ratelimit"]
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": uuid4().hex,
        }
    }


@pytest.fixture
def ann(db):
    return Account.objects.create_user("ann@example.com", "the right password")


@pytest.fixture
def eve(db):
    return Account.objects.create_user("eve@example.com", "the right password")


@pytest.fixture
def client(ann):
    """A browser in which Ann has logged in; CSRF is checked by tests of `web`."""
    client = Client()
    client.force_login(ann)
    return client
