"""Who is asked, for which addresses, and what becomes of failures."""

from __future__ import annotations

import logging

import pytest

from bt_security import geo
from bt_security.geo.breaker import FAILURES_IN_A_ROW
from tests.geo.places import PUBLIC, PUBLIC_IPV6

pytestmark = pytest.mark.once

PLACE = geo.Location(city="Berlin")
asked: list[str] = []
answers: list[object] = []


class OwnProvider:
    """A provider as a site has one: notes what it is asked, and gives or raises the next answer."""

    def lookup(self, address):
        asked.append(address)
        answer = answers.pop(0) if answers else PLACE
        if isinstance(answer, BaseException):
            raise answer
        return answer


class BrokenProvider:
    def __init__(self):
        raise OSError(f"no file for {PUBLIC}")


@pytest.fixture(autouse=True)
def own_provider(settings):
    settings.BT_SECURITY_GEO_PROVIDER = "tests.geo.test_look_up.OwnProvider"
    asked.clear()
    answers.clear()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (PUBLIC, PUBLIC),
        (f" {PUBLIC}:443 ", PUBLIC),
        (f"::ffff:{PUBLIC}", PUBLIC),
        (f"[{PUBLIC_IPV6}]:443", PUBLIC_IPV6),
        ("2606:4700:0:0::1", PUBLIC_IPV6),
    ],
)
def test_a_public_address_is_asked_for_in_one_form(text, meant):
    assert geo.look_up(text) == PLACE
    assert asked == [meant]


@pytest.mark.parametrize(
    "text",
    [
        *("", "unknown", "1.2.3", "93.184.216.34, 8.8.8.8", "2606:4700::1::", "/json/8.8.8.8"),
        *("127.0.0.1", "::1", "0.0.0.0", "::", "169.254.1.1", "fe80::1", "fe80::1%eth0"),
        *("10.1.2.3", "172.16.0.1", "192.168.0.1", "fd00::1", "100.64.0.1", "::ffff:10.0.0.1"),
        *("192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "198.18.0.1"),
        *("224.0.0.1", "ff02::1", "240.0.0.1", "255.255.255.255", "169.254.169.254"),
        *("2002:7f00:1::", "64:ff9b::a00:1"),
    ],
)
def test_any_other_address_is_asked_of_nobody(text):
    assert geo.look_up(text) is None
    assert asked == []


@pytest.mark.parametrize("provider", [None, ""])
def test_without_a_provider_nobody_is_asked(settings, provider):
    settings.BT_SECURITY_GEO_PROVIDER = provider
    assert not geo.is_on()
    assert geo.look_up(PUBLIC) is None


def test_a_provider_of_a_wrong_type_counts_as_none(settings):
    settings.BT_SECURITY_GEO_PROVIDER = 5
    assert not geo.is_on()
    assert geo.look_up(PUBLIC) is None


@pytest.mark.parametrize("name", ["maxmind", "ip-api", "tests.geo.test_look_up.OwnProvider"])
def test_a_provider_that_is_named_switches_it_on(settings, name):
    settings.BT_SECURITY_GEO_PROVIDER = name
    assert geo.is_on()


@pytest.mark.parametrize("answer", [None, geo.Location()])
def test_nothing_known_is_no_failure(caplog, answer):
    answers.extend([answer] * (FAILURES_IN_A_ROW + 1))
    assert [geo.look_up(PUBLIC) for _ in range(4)] == [None] * 4
    assert len(asked) == 4
    assert caplog.records == []


@pytest.mark.parametrize(
    "failure",
    [
        geo.LocationUnavailable("down"),
        OSError(f"secret {PUBLIC}"),
        RecursionError(),
        "Berlin",
        {"city": "Berlin"},
    ],
)
def test_a_failure_is_no_place_and_one_warning(caplog, failure):
    answers.extend([failure] * 50)
    assert [geo.look_up(PUBLIC) for _ in range(50)] == [None] * 50
    assert len(asked) == FAILURES_IN_A_ROW
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("bt_security.geo", logging.WARNING)
    assert record.exc_info is None
    assert PUBLIC not in record.getMessage()


@pytest.mark.parametrize(
    "path",
    [
        "nowhere",
        "tests.geo.no_such_module.Provider",
        "tests.geo.test_look_up.Missing",
        "tests.geo.test_look_up.BrokenProvider",
    ],
)
def test_a_provider_that_cannot_be_made_is_a_failure(settings, caplog, path):
    settings.BT_SECURITY_GEO_PROVIDER = path
    assert [geo.look_up(PUBLIC) for _ in range(5)] == [None] * 5
    (record,) = caplog.records
    assert PUBLIC not in record.getMessage()


def test_the_check_is_named_where_the_settings_are_at_fault(settings, caplog):
    settings.BT_SECURITY_GEO_PROVIDER = "nowhere"
    geo.look_up(PUBLIC)
    assert "manage.py check" in caplog.text


def test_one_provider_serves_a_process(settings, monkeypatch):
    made = []
    monkeypatch.setattr(OwnProvider, "__init__", lambda self: made.append(self), raising=False)
    geo.look_up(PUBLIC)
    geo.look_up(PUBLIC)
    assert len(made) == 1


def test_a_changed_setting_counts_at_once(settings):
    answers.extend([OSError()] * FAILURES_IN_A_ROW)
    for _ in range(FAILURES_IN_A_ROW):
        geo.look_up(PUBLIC)
    settings.BT_SECURITY_GEO_PAUSE_SECONDS = 5
    assert geo.look_up(PUBLIC) == PLACE
