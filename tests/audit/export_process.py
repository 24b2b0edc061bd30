"""A process of a site with the audit log that runs `export_audit_log` with its own arguments."""

from __future__ import annotations

import sys

import django
from django.conf import settings
from django.core.management import execute_from_command_line

settings.BT_SECURITY_FEATURES = ["audit"]
settings.MIDDLEWARE = ["bt_security.middleware.EdgeMiddleware", *settings.MIDDLEWARE]
django.setup()
execute_from_command_line(["manage.py", "export_audit_log", *sys.argv[1:]])
