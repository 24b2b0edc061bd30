"""A site where temporary passwords can be given, and somebody who gets one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_save, pre_save
from django.utils import timezone

from bt_security.models import TemporaryPassword
from bt_security.passwords import issue_temporary_password, restriction
from tests.middleware.conftest import MIDDLEWARE
from tests.testapp.models import Account

EMAIL = "somebody@example.com"
OWN = "An0ther-password!"
BACKENDS = ["bt_security.ratelimit.LimitedBackend", "django.contrib.auth.backends.ModelBackend"]


@pytest.fixture
def site(settings):
    settings.BT_SECURITY_FEATURES = ["passwords"]
    settings.ROOT_URLCONF = "tests.passwords.temporary_site"
    settings.MIDDLEWARE = list(MIDDLEWARE)
    settings.AUTHENTICATION_BACKENDS = list(BACKENDS)
    signals = (user_logged_in, pre_save, post_save)
    before = [list(signal.receivers) for signal in signals]
    restriction.connect()
    yield settings
    for signal, receivers in zip(signals, before, strict=True):
        signal.receivers[:] = receivers
        signal.sender_receivers_cache.clear()


@pytest.fixture
def somebody(site, db):
    return Account.objects.create_user(EMAIL, OWN)


@pytest.fixture
def temporary(somebody):
    """The temporary password that somebody was given."""
    return issue_temporary_password(somebody)


def let_run_out():
    TemporaryPassword.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
