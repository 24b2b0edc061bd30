"""A log-in that is refused because the password has run out leaves no trace of a log-in."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.contrib.auth.models import update_last_login
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import pre_delete

from bt_security.apps import RECEIVERS
from bt_security.models import Device
from bt_security.passwords import restriction
from bt_security.signals import backup_restored
from tests.audit.conftest import audit_on, log
from tests.passwords.conftest import let_run_out
from tests.passwords.temporary_site import ByNumber
from tests.testapp.models import Account

__all__ = ["audit_on", "log"]

pytestmark = pytest.mark.django_db
BY_NUMBER = f"{ByNumber.__module__}.{ByNumber.__qualname__}"
LOG_INS = {
    "bt_security.sessions.receivers",
    "bt_security.audit.receivers",
    "bt_security.devices.receivers",
    "bt_security.passwords.restriction",
}


@pytest.fixture
def whole_site(log, site):
    """Every receiver of a log-in, in the order in which the app connects them after Django's."""
    site.BT_SECURITY_FEATURES = ["audit", "passwords", "sessions", "ratelimit"]
    site.SESSION_ENGINE = "bt_security.sessions.db"
    site.AUTHENTICATION_BACKENDS = [site.AUTHENTICATION_BACKENDS[0], BY_NUMBER]
    signals = (backup_restored, pre_delete)
    before = [list(signal.receivers) for signal in signals]
    user_logged_in.receivers.clear()
    user_logged_in.sender_receivers_cache.clear()
    user_logged_in.connect(update_last_login, dispatch_uid="update_last_login")
    for place in RECEIVERS:
        if place in LOG_INS:
            import_module(place).connect()
    yield log
    for signal, receivers in zip(signals, before, strict=True):
        signal.receivers[:] = receivers
        signal.sender_receivers_cache.clear()


@pytest.mark.feature("BD-31")
def test_it_is_recorded_as_no_log_in(client, whole_site, somebody, temporary):
    """A log-in with a temporary password that has run out is recorded as none."""
    let_run_out()
    typed = {"number": somebody.pk, "word": temporary}
    assert client.post("/number", typed).status_code == 403
    assert not {"user.login", "device.added"} & set(whole_site.actions())
    assert not Device.objects.exists()
    assert Account.objects.get().last_login is None


def test_one_in_time_is_recorded(client, whole_site, somebody, temporary):
    typed = {"number": somebody.pk, "word": temporary}
    assert client.post("/number", typed).status_code == 200
    assert {"user.login", "device.added"} <= set(whole_site.actions())
    assert Account.objects.get().last_login is not None


def test_a_user_model_without_last_login_gets_no_receiver_of_it(site):
    user_logged_in.receivers.clear()
    user_logged_in.sender_receivers_cache.clear()
    restriction.connect()
    assert len(user_logged_in.receivers) == 1
