"""A site that installs the app and has no sealed column: prints what it has connected."""

from __future__ import annotations

import os
import sys

import django
from django.conf import settings
from django.core.signals import request_started
from django.db.models.signals import post_migrate

os.environ["TOKEN_ENCRYPTION_KEY"] = "operator-key-of-a-site-without-columns-0123456789"
settings.configure(SECRET_KEY="x" * 50, INSTALLED_APPS=["bt_security"], DATABASES={})
before = len(request_started.receivers)
django.setup()
ours = [each for each in post_migrate.receivers if "bt_security" in str(each)]
sys.stdout.write(f"{len(request_started.receivers) - before} {len(ours)}\n")
