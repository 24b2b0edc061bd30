"""Settings of the measured site; the parent process names the database in the environment."""

from __future__ import annotations

import json
import os

DATABASES = {"default": json.loads(os.environ["BT_BENCH_DATABASE"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "bt_security",
    "benchmarks.capture",
]
BT_SECURITY_FEATURES = ["audit"]
TOKEN_ENCRYPTION_KEY = "only for benchmarks: sixty characters that no real site uses"
SECRET_KEY = "only for benchmarks: sixty characters that no other site uses"
USE_TZ = True
