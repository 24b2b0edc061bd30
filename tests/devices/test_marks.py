"""Revoking a device, and trusting it for a while."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bt_security import devices
from bt_security.models import Device

pytestmark = pytest.mark.django_db


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
    devices.trust(device)
    assert Device.objects.get().trusted_until is None


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
