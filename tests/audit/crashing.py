"""A process that commits a change with its entry and is gone in the same moment."""

from __future__ import annotations

import os

import django
from django.conf import settings

django.setup()
settings.BT_SECURITY_FEATURES = ["audit"]

from django.db import transaction  # noqa: E402 - needs the apps

from bt_security import audit  # noqa: E402 - needs the apps
from tests.testapp.models import Account  # noqa: E402 - needs the apps

audit.register("test.done", help="For tests.")
with transaction.atomic():
    Account.objects.create(email="crash@example.com")
    audit.record("test.done", target="account:crash")
os._exit(9)
