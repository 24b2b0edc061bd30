"""Revoking a device, and trusting it for a while."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest

from bt_security import devices
from bt_security.models import Device
from bt_security.signals import security_event

pytestmark = pytest.mark.django_db


class ReportLost(Exception):
    """What a receiver raises that cannot write down what it is told."""


@pytest.fixture
def no_reports():
    """Let every report after so many fail."""

    @contextmanager
    def fail(after=0):
        seen = []

        def receive(action, **_):
            seen.append(action)
            if len(seen) > after:
                raise ReportLost

        security_event.connect(receive)
        try:
            yield
        finally:
            security_event.disconnect(receive)

    return fail


@pytest.fixture
def device(browser, bob, clock):
    return browser.log_in(bob)


def test_a_device_is_not_trusted_by_itself(device):
    assert not devices.is_trusted(device)


def test_no_device_is_not_trusted():
    assert not devices.is_trusted(None)


def test_trust_ends_by_itself(device, clock):
    assert devices.trust(device) == clock.now + timedelta(days=30)
    clock.advance(days=30, seconds=-1)
    assert devices.is_trusted(Device.objects.get())
    clock.advance(seconds=1)
    assert not devices.is_trusted(Device.objects.get())


def test_trust_lasts_as_long_as_it_is_told(device, clock):
    assert devices.trust(device, days=2) == clock.now + timedelta(days=2)


def test_trust_can_be_taken_away(device):
    devices.trust(device)
    devices.untrust(device)
    devices.untrust(device)
    assert not devices.is_trusted(device)
    assert not devices.is_trusted(Device.objects.get())


def test_revoking_ends_trust(device):
    devices.trust(device)
    devices.revoke(device)
    assert not devices.is_trusted(device)
    assert Device.objects.get().trusted_until is None


def test_a_revoked_device_cannot_be_trusted(device):
    devices.revoke(Device.objects.get())
    with pytest.raises(Device.DoesNotExist):
        devices.trust(device)
    assert Device.objects.get().trusted_until is None
    assert device.trusted_until is None


def test_a_device_that_was_forgotten_cannot_be_trusted(device):
    Device.objects.get().delete()
    with pytest.raises(Device.DoesNotExist):
        devices.trust(device)


@pytest.mark.parametrize("change", [devices.trust, devices.untrust, devices.revoke])
def test_a_change_that_cannot_be_reported_is_not_made(device, clock, no_reports, change):
    Device.objects.update(trusted_until=clock.now + timedelta(days=1))
    device.refresh_from_db()
    before = Device.objects.values().get()
    with no_reports(), pytest.raises(ReportLost):
        change(device)
    assert Device.objects.values().get() == before
    assert (device.trusted_until, device.revoked_at) == (before["trusted_until"], None)


def test_either_all_devices_are_revoked_or_none(browser, other_browser, bob, no_reports):
    browser.log_in(bob)
    other_browser.log_in(bob)
    with no_reports(after=1), pytest.raises(ReportLost):
        devices.revoke_all(bob)
    assert len(devices.for_user(bob)) == 2


def test_a_revoked_device_is_not_trusted_whatever_its_row_says(device, clock):
    device.revoked_at, device.trusted_until = clock.now, clock.now + timedelta(days=1)
    assert not devices.is_trusted(device)


def test_all_devices_of_a_user_are_revoked_and_no_other(browser, other_browser, bob, eve):
    browser.log_in(bob)
    other_browser.log_in(bob)
    kept = other_browser.log_in(eve)
    assert devices.revoke_all(bob) == 2
    assert devices.for_user(bob) == []
    assert devices.for_user(eve) == [kept]
    assert devices.revoke_all(bob) == 0


def test_a_user_finds_the_own_device_and_no_other(device, bob, eve):
    assert devices.find(bob, device.uuid) == device
    assert devices.find(eve, device.uuid) is None


def test_each_change_is_reported_once(browser, bob, clock, events):
    device = browser.log_in(bob)
    devices.trust(device)
    for _ in range(2):
        devices.untrust(device)
        devices.revoke(device)
    target, details = f"device:{device.uuid}", {"user": str(bob.pk)}
    actions = ("device.added", "device.trusted", "device.untrusted", "device.revoked")
    assert events == [(action, target, details) for action in actions]
