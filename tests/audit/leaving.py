"""A process that is ended in the middle of a transaction that has refused something."""

from __future__ import annotations

import sys

import django
from django.conf import settings

django.setup()
settings.BT_SECURITY_FEATURES = ["audit"]

from django.db import transaction  # noqa: E402 - needs the apps

from bt_security import audit  # noqa: E402 - needs the apps
from tests.testapp.models import Account  # noqa: E402 - needs the apps

audit.register("test.done", help="For tests.")
with transaction.atomic():
    Account.objects.create(email="leaving@example.com")
    audit.record_refusal("test.done", target="account:leaving")
    sys.exit(3)
