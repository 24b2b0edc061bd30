"""Which browsers an account knows, and which it does not."""

from __future__ import annotations

import pytest

from bt_security import devices, keys
from bt_security.devices import known
from bt_security.devices.known import for_user
from bt_security.devices.labels import label_of
from bt_security.exceptions import KeyRefused
from bt_security.models import Device
from tests.devices.conftest import FIREFOX, Browser
from tests.testapp.models import Account

pytestmark = pytest.mark.django_db

NAME = "bt_device"


def test_a_browser_that_never_logged_in_is_unknown(browser, bob):
    assert browser.known_to(bob) is None


def test_a_browser_is_known_to_the_user_who_logged_in_with_it(browser, bob):
    device = browser.log_in(bob)
    assert browser.known_to(bob) == device


def test_another_user_does_not_know_the_browser(browser, bob, eve):
    browser.log_in(bob)
    assert browser.known_to(eve) is None


def test_nobody_is_known_without_a_log_in(browser, bob):
    browser.log_in(bob)
    assert browser.known_to(None) is None


@pytest.mark.parametrize("change", ["", "x", "A" * 43, "é" * 43])
def test_a_tampered_cookie_is_unknown(browser, bob, change):
    browser.log_in(bob)
    browser.cookies[NAME] = change
    assert browser.known_to(bob) is None


def test_a_cookie_with_one_character_changed_is_unknown(browser, bob):
    browser.log_in(bob)
    value = browser.cookies[NAME]
    browser.cookies[NAME] = ("A" if value[0] != "A" else "B") + value[1:]
    assert browser.known_to(bob) is None


def test_what_is_stored_is_no_cookie(browser, bob):
    device = browser.log_in(bob)
    for text in (device.digest, device.digest[-43:], str(device.uuid), str(device.pk)):
        browser.cookies[NAME] = text
        assert browser.known_to(bob) is None


def test_a_revoked_device_is_unknown(browser, bob):
    devices.revoke(browser.log_in(bob))
    assert browser.known_to(bob) is None
    assert for_user(bob) == []


def test_a_revoked_device_that_logs_in_again_gets_another_cookie(browser, bob):
    old = browser.log_in(bob)
    stolen = dict(browser.cookies)
    devices.revoke(old)
    new = browser.log_in(bob)
    assert browser.known_to(bob) == new != old
    browser.cookies = stolen
    assert browser.known_to(bob) is None


def test_a_device_unseen_for_too_long_is_unknown(browser, bob, clock):
    browser.log_in(bob)
    clock.advance(days=401)
    assert browser.known_to(bob) is None
    assert for_user(bob) == []


def test_several_users_share_a_browser(browser, bob, eve):
    first = browser.log_in(bob)
    second = browser.log_in(eve)
    assert (browser.known_to(bob), browser.known_to(eve)) == (first, second)
    assert first != second


def test_a_planted_cookie_is_worth_nothing_after_the_victims_log_in(browser, bob, eve):
    attacker = Browser()
    attacker.log_in(eve)
    browser.cookies = dict(attacker.cookies)
    browser.log_in(bob)
    assert attacker.known_to(bob) is None
    assert devices.is_known(attacker.request(), "bob@example.com") == ""


def test_an_account_spelt_alike_does_not_lend_its_device(browser, bob):
    browser.log_in(Account.objects.create_user("b\u00f3b@example.com"))
    assert devices.is_known(browser.request(), "bob@example.com") == ""


def test_a_name_of_nobody_that_is_only_alike_is_unknown(browser, bob):
    browser.log_in(bob)
    assert devices.is_known(browser.request(), "b\u00f8b@example.com") == ""


@pytest.fixture
def log_ins(monkeypatch):
    """Let the site's manager answer as that of a site whose people log in by name or address."""

    def answer(error):
        def refuse(name):
            raise error

        monkeypatch.setattr(Account.objects, "get_by_natural_key", refuse)

    return answer


def test_a_browser_is_known_by_an_address_that_is_no_log_in_name(browser, bob, log_ins):
    device = browser.log_in(bob)
    log_ins(Account.DoesNotExist)
    assert devices.is_known(browser.request(), "bob@example.com") == str(device.uuid)


def test_what_somebody_else_has_too_is_shared(bob, eve):
    # The addresses of these users are unique; their hashes stand in for a site's whose are not.
    Account.objects.update(password="the same")
    assert known._is_shared(bob, "password", "the same")
    assert not known._is_shared(bob, "password", "another")
    assert not known._is_shared(bob, "password", "")


def test_an_address_that_cannot_be_searched_may_be_shared(bob):
    assert known._is_shared(bob, "password__nothing", "bob@example.com")


def test_a_name_of_several_accounts_is_unknown(browser, bob, log_ins):
    browser.log_in(bob)
    log_ins(Account.MultipleObjectsReturned)
    assert devices.is_known(browser.request(), "bob@example.com") == ""


@pytest.mark.parametrize("typed", ["bob\x00@example.com", "bob\udc80@example.com", "\x00"])
def test_a_name_that_no_database_takes_is_unknown(browser, bob, typed):
    browser.log_in(bob)
    assert devices.is_known(browser.request(), typed) == ""


def test_a_browser_is_known_by_its_users_name_in_another_case(browser, bob):
    device = browser.log_in(bob)
    assert devices.is_known(browser.request(), " BOB@example.com") == str(device.uuid)


def test_an_invented_cookie_is_replaced_at_the_log_in(browser, bob):
    browser.cookies[NAME] = "A" * 43
    browser.log_in(bob)
    assert browser.cookies[NAME] != "A" * 43


def test_a_second_log_in_is_the_same_device(browser, bob):
    first = browser.log_in(bob)
    cookie = browser.cookies[NAME]
    assert browser.log_in(bob) == first
    assert browser.cookies[NAME] == cookie
    assert Device.objects.count() == 1


def test_two_browsers_of_one_user_are_two_devices(browser, other_browser, bob):
    devices_of_bob = {browser.log_in(bob), other_browser.log_in(bob)}
    assert set(for_user(bob)) == devices_of_bob
    assert len(devices_of_bob) == 2


def test_the_cookie_is_256_random_bits_and_stored_nowhere(browser, bob):
    device = browser.log_in(bob)
    cookie = browser.cookies[NAME]
    assert len(cookie) == 43
    assert cookie not in repr(Device.objects.filter(pk=device.pk).values().get())


def test_a_device_is_shown_by_its_public_id(browser, bob):
    device = browser.log_in(bob)
    assert str(device) == f"device {device.uuid}"


def test_a_new_generation_of_the_key_keeps_devices_known(browser, bob):
    old = browser.log_in(bob).digest
    keys.new_generation("device")
    assert browser.known_to(bob) is not None
    assert browser.log_in(bob).digest != old
    assert browser.known_to(bob) is not None


def test_being_seen_is_written_once_a_day(browser, bob, clock, asked):
    browser.log_in(bob)
    clock.advance(hours=23)
    with asked(1):
        browser.known_to(bob)
    clock.advance(hours=2)
    with asked(2):
        browser.known_to(bob)
    with asked(1):
        assert browser.known_to(bob).last_seen_at == clock.now


def test_a_request_asks_once(browser, bob, asked):
    browser.log_in(bob)
    request = browser.request(bob)
    with asked(1):
        assert devices.identify(request) == devices.identify(request)


def test_a_request_without_a_cookie_asks_nothing(browser, bob, asked):
    with asked(0):
        browser.known_to(bob)
        devices.is_known(browser.request(), "bob@example.com")


def test_the_oldest_of_too_many_devices_is_forgotten(settings, bob, clock):
    settings.BT_SECURITY_DEVICES_MAX_PER_USER = 3
    browsers = [Browser() for _ in range(4)]
    for each in browsers:
        each.log_in(bob)
        clock.advance(minutes=1)
    assert [each.known_to(bob) is not None for each in browsers] == [False, True, True, True]


def test_a_deleted_users_devices_are_gone(browser, bob):
    browser.log_in(bob)
    bob.delete()
    assert not Device.objects.exists()


@pytest.mark.parametrize("name", ["bob@example.com", "BOB@example.com", " bob@EXAMPLE.com "])
def test_a_typed_name_knows_the_browser(browser, bob, name):
    device = browser.log_in(bob)
    assert devices.is_known(browser.request(), name) == str(device.uuid)


@pytest.mark.parametrize("name", ["eve@example.com", "nobody@example.com", ""])
def test_another_name_does_not(browser, bob, eve, name):
    browser.log_in(bob)
    assert devices.is_known(browser.request(), name) == ""


def test_an_unknown_name_costs_the_same_queries(browser, bob, asked):
    browser.log_in(bob)
    for name in ("bob@example.com", "nobody@example.com"):
        with asked(1):
            devices.is_known(browser.request(), name)


def test_without_the_key_of_the_digests_every_browser_is_unknown(browser, bob, monkeypatch, caplog):
    browser.log_in(bob)

    def refuse(token):
        raise KeyRefused("no key here")

    monkeypatch.setattr(known, "looked_up_digests", refuse)
    assert browser.known_to(bob) is None
    assert devices.is_known(browser.request(), "bob@example.com") == ""
    assert "KeyRefused" in caplog.text


@pytest.mark.parametrize(
    ("user_agent", "label"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/18 Safari/605", "Safari on macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18 like Mac OS X) CriOS/140 Safari", "Chrome on iOS"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8", ""),
        ("", ""),
        ("<script>Firefox/", "Firefox"),
    ],
)
def test_a_label_is_browser_and_system(user_agent, label):
    assert label_of(user_agent) == label
