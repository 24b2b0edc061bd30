"""Settings of the bill tracker: a development site on SQLite, by plain HTTP on 127.0.0.1.

Environment that people change most (`bt_security.presets.VARIABLES` has all of it):

    TOKEN_ENCRYPTION_KEY   the key that seals; without it the site makes one in its database
    HTTPS, TRUST_PROXY     behind a proxy that ends TLS: HTTPS=true TRUST_PROXY=1
    BASE_URL               where people find the site; the links in its mails begin so
    SINGLE_USER            log-in name of an account that every visitor is
    EXAMPLE_VAR            the folder of all that the site stores, var/ by default
    EXAMPLE_MAIL           "console" (default), or "files" to find mails in its folder mail/

With a city database in MaxMind's format at `geo.mmdb` in that folder, people who allow it see in
their login history where they logged in.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

import django
from django.core.management.utils import get_random_secret_key

from bt_security.presets import strict

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("EXAMPLE_VAR", BASE_DIR / "var"))
VAR.mkdir(parents=True, exist_ok=True, mode=0o700)
CITIES = VAR / "geo.mmdb"


def secret_key() -> str:
    """Return the key of this copy of the site, made at its first start.

    Of processes that start together one makes it: the link is there with the whole key, or not.
    """
    file = VAR / "secret_key"
    if not file.exists():
        with NamedTemporaryFile("w", dir=VAR) as new, suppress(FileExistsError):
            new.write(get_random_secret_key())
            new.flush()
            os.link(new.name, file)
    return file.read_text()


DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
SECRET_KEY = secret_key()

# Every feature, with the strict value of each setting. The rest of this file is plain Django.
globals().update(
    strict(
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.staticfiles",
            "bt_security",
            "people",
            "tracker",
        ],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        BT_SECURITY_SITE_BASE_URL=os.environ.get("BASE_URL", "http://127.0.0.1:8000"),
        BT_SECURITY_PASSWORDS_CHANGE_URL="people:password",
        BT_SECURITY_HISTORY_SPOOL_DIR=str(VAR / "login-spool"),
        BT_SECURITY_GEO_PROVIDER="maxmind" if CITIES.exists() else None,
        BT_SECURITY_GEO_MAXMIND_CITY_FILE=str(CITIES),
        BT_SECURITY_AUDIT_SPOOL_DIR=str(VAR / "audit-spool"),
        # On a real site: on another machine.
        BT_SECURITY_AUDIT_ANCHOR_FILE=str(VAR / "audit-anchors.jsonl"),
    )
)

ROOT_URLCONF = "site_config.urls"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
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

DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": VAR / "bills.sqlite3"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "people.User"
LOGIN_URL = "people:log-in"
LOGIN_REDIRECT_URL = "tracker:bills"

USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]

DEFAULT_FROM_EMAIL = "Bill tracker <bills@example.org>"
mail = {"BACKEND": "django.core.mail.backends.console.EmailBackend"}
if os.environ.get("EXAMPLE_MAIL") == "files":
    mail = {
        "BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "OPTIONS": {"file_path": VAR / "mail"},
    }
if django.VERSION >= (6, 1):
    MAILERS = {"default": mail}
else:
    EMAIL_BACKEND = mail["BACKEND"]
    EMAIL_FILE_PATH = VAR / "mail"
