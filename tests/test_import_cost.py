"""What a start of the site loads."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.once

OPTIONAL = ("webauthn", "redis", "limits", "authlib", "maxminddb", "pyrage")

SITE = """
import json, sys
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="k" * 50,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "bt_security"],
    BT_SECURITY_FEATURES=json.loads(sys.argv[1]),
)
django.setup()
print(json.dumps(sorted(sys.modules)))
"""

FEATURES = [
    *("sessions", "headers", "csrf", "ratelimit", "passwords", "history"),
    *("audit", "mfa", "accounts", "oidc", "backups"),
]


def modules_after_setup(features):
    command = [sys.executable, "-c", SITE, json.dumps(features)]
    return set(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))


@pytest.mark.parametrize("features", [[], FEATURES], ids=["no feature", "all features"])
def test_setup_loads_no_optional_or_heavy_package(features):
    loaded = modules_after_setup(features)
    assert not [name for name in OPTIONAL if name in loaded]


def test_setup_loads_neither_progress_bars_nor_process_pools():
    loaded = modules_after_setup([])
    assert not {"tqdm", "concurrent.futures.process", "yaml"} & loaded
