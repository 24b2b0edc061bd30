"""The values of Django's settings, as a settings file takes them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.contrib.auth.hashers import get_hashers
from django.contrib.auth.password_validation import get_password_validators

from bt_security.passwords import password_hashers, password_validators
from tests.source_tree import ROOT

pytestmark = pytest.mark.once

SITE = """
from bt_security.passwords import password_hashers, password_validators

SECRET_KEY = "only for tests: sixty characters that no real site would use"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "bt_security"]
BT_SECURITY_FEATURES = ["passwords"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
AUTH_PASSWORD_VALIDATORS = password_validators()
PASSWORD_HASHERS = password_hashers()
"""


def test_a_settings_file_may_import_them(tmp_path):
    (tmp_path / "site_settings.py").write_text(SITE)
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    checked = subprocess.run(
        [sys.executable, "-W", "error", "-m", "django", "check", "--settings=site_settings"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stderr


def test_every_rule_can_be_loaded():
    assert len(get_password_validators(password_validators())) == 6


def test_every_hasher_can_be_loaded(settings):
    settings.PASSWORD_HASHERS = password_hashers()
    assert get_hashers()[0].algorithm == "bcrypt_sha256"
    assert len(get_hashers()) == len(password_hashers())


def test_a_rule_that_is_off_is_not_in_the_list():
    names = [entry["NAME"] for entry in password_validators(classes=False, similar=False)]
    assert [name.rpartition(".")[2] for name in names] == [
        "MaximumBytesValidator",
        "MinimumLengthValidator",
        "RepetitionValidator",
        "CommonPasswordValidator",
    ]
