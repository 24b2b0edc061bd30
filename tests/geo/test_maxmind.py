"""Databases of this host: what is read of them, and what happens when their files change."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import threading

import pytest

from bt_security import geo
from tests.geo.places import (
    BERLIN_RECORD,
    ISP_RECORD,
    PUBLIC,
    PUBLIC_IPV6,
    maxmind_provider,
    write_database,
)

pytestmark = pytest.mark.once

NETWORK = "93.184.216.0/24"
LOOK_EVERY_SECONDS = 5


def town(name):
    return {"city": {"names": {"en": name}}}


@pytest.fixture
def file(tmp_path, settings):
    """The place of the city database; nothing is there yet."""
    path = tmp_path / "city.mmdb"
    settings.BT_SECURITY_GEO_PROVIDER = "maxmind"
    settings.BT_SECURITY_GEO_MAXMIND_CITY_FILE = str(path)
    return path


@pytest.fixture
def isp_file(tmp_path, settings):
    path = tmp_path / "isp.mmdb"
    settings.BT_SECURITY_GEO_MAXMIND_ISP_FILE = str(path)
    return path


@pytest.fixture
def provider(clock):
    return maxmind_provider(clock=clock)


def put(file, records):
    """Have a new file stand in the place of another, as updaters do it."""
    write_database(file.with_suffix(".new"), records)
    file.with_suffix(".new").replace(file)


def city(provider):
    return provider.lookup(PUBLIC).city


def test_a_place_is_told(file, provider):
    write_database(file, {NETWORK: BERLIN_RECORD})
    place = geo.look_up(PUBLIC)
    assert place == geo.Location("Berlin", "State of Berlin", "Germany", "", 52.5167, 13.4)


def test_the_name_of_the_internet_provider_is_told_by_a_second_file(file, isp_file, provider):
    write_database(file, {NETWORK: BERLIN_RECORD})
    write_database(isp_file, {NETWORK: ISP_RECORD})
    place = provider.lookup(PUBLIC)
    assert (place.city, place.isp) == ("Berlin", "Example Net")


@pytest.mark.parametrize(
    "record",
    [
        {"isp": "Net"},
        {"autonomous_system_organization": "Net"},
        {"isp": "", "organization": "Net"},
        {"as_name": "Net", "asn": "AS1"},
    ],
)
def test_isp_and_asn_files_name_it_differently(file, isp_file, provider, record):
    write_database(file, {NETWORK: BERLIN_RECORD})
    write_database(isp_file, {NETWORK: record})
    assert provider.lookup(PUBLIC).isp == "Net"


def test_a_city_file_may_name_it_as_well(file, provider):
    write_database(file, {NETWORK: {"traits": {"isp": "Net"}}})
    assert provider.lookup(PUBLIC) == geo.Location(isp="Net")


def test_ipv6_is_looked_up(file, provider):
    write_database(file, {"2606:4700::/32": town("Paris")})
    assert provider.lookup(PUBLIC_IPV6).city == "Paris"


def test_a_file_without_ipv6_does_not_know_it(file, provider):
    write_database(file, {NETWORK: town("Paris")}, ip_version=4)
    assert city(provider) == "Paris"
    assert provider.lookup(PUBLIC_IPV6) is None


def test_an_address_that_no_file_has_is_no_failure(file, isp_file, provider, caplog):
    write_database(file, {"8.8.8.0/24": BERLIN_RECORD})
    write_database(isp_file, {"8.8.8.0/24": ISP_RECORD})
    assert provider.lookup(PUBLIC) is None
    assert caplog.records == []


@pytest.mark.parametrize(
    "record",
    [
        "text",
        ["list"],
        {},
        {"city": "Berlin"},
        {"city": {"names": ["Berlin"]}},
        {"city": {"names": {"en": 5}}},
        {"subdivisions": []},
        {"subdivisions": "Berlin"},
        {"location": {"latitude": "52.5", "longitude": "13.4"}},
        {"location": {"latitude": True, "longitude": True}},
        {"location": {"latitude": 52.5}},
    ],
)
def test_a_record_of_another_form_tells_nothing(file, provider, record):
    write_database(file, {NETWORK: record})
    assert provider.lookup(PUBLIC) is None


def test_a_point_that_is_none_is_a_failure(file, provider):
    write_database(file, {NETWORK: {"location": {"latitude": 95.0, "longitude": 13.4}}})
    with pytest.raises(geo.LocationUnavailable, match="out of range"):
        provider.lookup(PUBLIC)


@pytest.mark.parametrize("content", [None, b"", b"no database", b"\xab\xcd\xefMaxMind.com"])
def test_without_a_usable_file_there_is_one_warning(file, provider, caplog, content):
    if content is not None:
        file.write_bytes(content)
    assert [geo.look_up(PUBLIC) for _ in range(10)] == [None] * 10
    assert len(caplog.records) == 1
    assert "cannot be read" in caplog.text


@pytest.mark.parametrize("path", ["", "/", "no\x00file"])
def test_a_path_that_is_none_is_a_failure(settings, provider, path):
    settings.BT_SECURITY_GEO_MAXMIND_CITY_FILE = path
    with pytest.raises(geo.LocationUnavailable):
        provider.lookup(PUBLIC)


def test_a_pipe_is_not_waited_for(file, provider):
    os.mkfifo(file)
    with pytest.raises(geo.LocationUnavailable):
        provider.lookup(PUBLIC)


def test_another_file_in_its_place_is_read(file, provider, clock):
    put(file, {NETWORK: town("Paris")})
    assert city(provider) == "Paris"
    put(file, {NETWORK: town("London")})
    clock.now += LOOK_EVERY_SECONDS
    assert city(provider) == "London"


def test_it_is_looked_for_every_few_seconds_only(file, provider, clock):
    put(file, {NETWORK: town("Paris")})
    assert city(provider) == "Paris"
    put(file, {NETWORK: town("London")})
    clock.now += LOOK_EVERY_SECONDS - 1
    assert city(provider) == "Paris"


def test_a_file_that_comes_later_is_found(file, provider, clock):
    with pytest.raises(geo.LocationUnavailable):
        provider.lookup(PUBLIC)
    put(file, {NETWORK: town("Paris")})
    clock.now += LOOK_EVERY_SECONDS
    assert city(provider) == "Paris"


@pytest.mark.parametrize("content", [None, b"", b"no database" * 99])
def test_a_broken_file_leaves_the_one_before_in_use(file, provider, clock, caplog, content):
    put(file, {NETWORK: town("Paris")})
    assert city(provider) == "Paris"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    for _ in range(5):
        clock.now += LOOK_EVERY_SECONDS
        assert city(provider) == "Paris"
    (record,) = caplog.records
    assert "the one before stays in use" in record.getMessage()


def test_a_repaired_file_is_read_and_a_later_fault_is_a_warning_again(
    file, provider, clock, caplog
):
    for name in ("Paris", "London"):
        put(file, {NETWORK: town(name)})
        clock.now += LOOK_EVERY_SECONDS
        assert city(provider) == name
        file.unlink()
        clock.now += LOOK_EVERY_SECONDS
        assert city(provider) == name
    assert len(caplog.records) == 2


@pytest.mark.parametrize("kept_bytes", [0, 1, 100, 300])
def test_a_file_that_is_cut_in_its_place_ends_nothing_but_the_look_up(file, provider, kept_bytes):
    put(file, {NETWORK: town("Paris")})
    assert city(provider) == "Paris"
    os.truncate(file, kept_bytes)
    with contextlib.suppress(geo.LocationUnavailable):
        provider.lookup(PUBLIC)


def test_any_damage_is_a_place_or_a_failure(file):
    write_database(file, {NETWORK: BERLIN_RECORD})
    whole = file.read_bytes()
    numbers = random.Random(5)
    for _ in range(300):
        damaged = bytearray(whole[: numbers.choice([len(whole), numbers.randrange(len(whole))])])
        for _ in range(numbers.randrange(6) if damaged else 0):
            damaged[numbers.randrange(len(damaged))] = numbers.randrange(256)
        file.write_bytes(damaged)
        with contextlib.suppress(geo.LocationUnavailable):
            maxmind_provider().lookup(PUBLIC)


def test_another_path_is_followed_at_once(file, provider, settings, tmp_path):
    put(file, {NETWORK: town("Paris")})
    assert city(provider) == "Paris"
    other = write_database(tmp_path / "other.mmdb", {NETWORK: town("London")})
    settings.BT_SECURITY_GEO_MAXMIND_CITY_FILE = other
    assert city(provider) == "London"


def test_a_missing_isp_file_is_one_warning_and_the_place_is_told(file, isp_file, provider, caplog):
    write_database(file, {NETWORK: town("Paris")})
    assert [city(provider) for _ in range(5)] == ["Paris"] * 5
    (record,) = caplog.records
    assert "Internet providers" in record.getMessage()


def test_threads_share_a_provider_while_files_change(file, provider, clock):
    put(file, {NETWORK: town("Paris")})
    found = []

    def ask():
        for _ in range(300):
            clock.now += LOOK_EVERY_SECONDS
            found.append(city(provider))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for name in ["London", "Paris"] * 5:
        put(file, {NETWORK: town(name)})
    for thread in threads:
        thread.join()
    assert len(found) == 4 * 300
    assert set(found) <= {"Paris", "London"}


SITE = """
import sys
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="k" * 50,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "bt_security"],
    BT_SECURITY_FEATURES=["history"],
    BT_SECURITY_GEO_PROVIDER="maxmind",
    BT_SECURITY_GEO_MAXMIND_CITY_FILE=sys.argv[1],
)
django.setup()
from bt_security import geo
from django.core.management import call_command
assert geo.is_on() and geo.look_up("127.0.0.1") is None
assert "maxminddb" not in sys.modules
assert geo.look_up("93.184.216.34").city == "Paris"
assert "maxminddb" in sys.modules
"""


def test_its_package_is_loaded_by_the_first_look_up(file, provider):
    path = write_database(file, {NETWORK: town("Paris")})
    subprocess.run([sys.executable, "-W", "error", "-c", SITE, path], check=True)
