"""Settings of the measured site, whose login history is on; the environment names the database."""

from __future__ import annotations

from benchmarks.audit.site import (
    ALLOWED_HOSTS,
    DATABASES,
    DEFAULT_AUTO_FIELD,
    LOGGING_CONFIG,
    SECRET_KEY,
    TEMPLATES,
    USE_TZ,
)
from benchmarks.audit.site import INSTALLED_APPS as AUDITED_APPS

__all__ = [
    "ALLOWED_HOSTS",
    "DATABASES",
    "DEFAULT_AUTO_FIELD",
    "LOGGING_CONFIG",
    "SECRET_KEY",
    "TEMPLATES",
    "USE_TZ",
]

BT_SECURITY_FEATURES = ["sessions", "history"]
INSTALLED_APPS = [
    *(name for name in AUDITED_APPS if name != "benchmarks.audit.floors"),
    "django.contrib.staticfiles",
    "benchmarks.history.floors",
]
MIDDLEWARE = [
    "bt_security.middleware.EdgeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "bt_security.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "benchmarks.history.urls"
SESSION_ENGINE = "bt_security.sessions.db"
STATIC_URL = "static/"
