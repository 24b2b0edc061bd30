"""Settings of the measured site, whose audit log is on; the environment names the database."""

from __future__ import annotations

import json
import os

ALLOWED_HOSTS = ["testserver"]
BT_SECURITY_FEATURES = ["audit"]
# Sealing happens where it is measured, and nowhere else.
BT_SECURITY_AUDIT_SEAL_INTERVAL_SECONDS = 0
DATABASES = {"default": json.loads(os.environ["BT_BENCH_DATABASE"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "bt_security",
    "benchmarks.audit.floors",
]
LOGGING_CONFIG = None
MIDDLEWARE = [
    "bt_security.middleware.EdgeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "benchmarks.audit.urls"
SECRET_KEY = "only for benchmarks: sixty characters that no real site uses"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
USE_TZ = True
