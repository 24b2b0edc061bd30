"""Settings of the test site.

`BT_TEST_DATABASE` chooses the default database: `sqlite`, `postgres` or `mysql`; the servers are
found by `BT_TEST_POSTGRES_URL` and `BT_TEST_MYSQL_URL`. A process started by a test with
`BT_TEST_CHILD=1` works on the test databases of its parent (fixture `child_environment`).
"""

from __future__ import annotations

import atexit
import glob
import os
import tempfile
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4


def _sqlite_stem() -> str:
    """Return how the SQLite files' paths begin; the process that chooses it removes the files."""
    if inherited := os.environ.get("BT_TEST_SQLITE_STEM"):
        return inherited
    stem = os.path.join(tempfile.gettempdir(), f"bt-security-{uuid4().hex}")
    atexit.register(_remove_files, stem)
    os.environ["BT_TEST_SQLITE_STEM"] = stem
    return stem


def _remove_files(stem: str) -> None:
    for file in glob.glob(f"{stem}-*"):
        os.unlink(file)


def _sqlite(name: str) -> dict[str, Any]:
    """A file, not the usual memory database: threads and child processes have to share it."""
    file = f"{_sqlite_stem()}-{name}.sqlite3"
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": file,
        "OPTIONS": {"timeout": 30},
        "TEST": {"NAME": file},
    }


def _server(engine: str, url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    name = parts.path.removeprefix("/")
    test_name = f"test_{name}"
    return {
        "ENGINE": f"django.db.backends.{engine}",
        "NAME": test_name if os.environ.get("BT_TEST_CHILD") else name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "TEST": {"NAME": test_name},
    }


def _default_database() -> dict[str, Any]:
    match os.environ.get("BT_TEST_DATABASE", "sqlite"):
        case "sqlite":
            return _sqlite("default")
        case "postgres":
            return _server("postgresql", os.environ["BT_TEST_POSTGRES_URL"])
        case "mysql":
            server = _server("mysql", os.environ["BT_TEST_MYSQL_URL"])
            server["OPTIONS"] = {"charset": "utf8mb4"}
            server["TEST"]["CHARSET"] = "utf8mb4"
            return server
        case unknown:
            raise ValueError(f"BT_TEST_DATABASE is sqlite, postgres or mysql, not {unknown!r}")


DATABASES = {"default": _default_database(), "other": _sqlite("other")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SECRET_KEY = "only for tests: sixty characters that no real site would use"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
AUTH_USER_MODEL = "testapp.Account"
ROOT_URLCONF = "tests.urls"
USE_TZ = True
STATIC_URL = "static/"
# Django 6.1 warns of mail that is sent without it; earlier ones do not read it.
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "bt_security",
    "tests.testapp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
