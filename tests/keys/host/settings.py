"""Settings of a small host project; `HOST_MIGRATIONS` chooses among its migrations."""

from __future__ import annotations

import os

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES as SUITE_DATABASES
from tests.settings import INSTALLED_APPS as SUITE_APPS

DATABASES = {
    "default": {
        **SUITE_DATABASES["default"],
        "NAME": os.environ["HOST_DATABASE"],
        "TEST": {"CHARSET": SUITE_DATABASES["default"]["TEST"].get("CHARSET")},
    }
}
INSTALLED_APPS = [
    "tests.keys.host.archive",
    *(app for app in SUITE_APPS if app not in {"tests.testapp", "django.contrib.admin"}),
]
AUTH_USER_MODEL = "auth.User"
ROOT_URLCONF = "tests.keys.host.archive.urls"
MIGRATION_MODULES = {"archive": f"tests.keys.host.{os.environ['HOST_MIGRATIONS']}"}
