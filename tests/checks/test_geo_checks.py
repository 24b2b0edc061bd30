"""Checks of the provider that tells where addresses are."""

from __future__ import annotations

import pytest
from django.core.checks import ERROR, WARNING, Tags, run_checks

from bt_security.checks import geo as checks
from bt_security.checks.geo import (
    GEO_CHECKS,
    GEO_DEPLOY_CHECKS,
    check_ip_api,
    check_maxmind_files,
    check_maxmind_package,
    check_own_provider,
    check_plain_http,
)

pytestmark = pytest.mark.once


class Good:
    def lookup(self, address):
        return None


class Bad:
    pass


def ids():
    found = [message for check in (*GEO_CHECKS, *GEO_DEPLOY_CHECKS) for message in check()]
    return [message.id.removeprefix("bt_security.") for message in found]


@pytest.mark.parametrize("provider", [None, ""])
def test_a_site_that_asks_nobody_hears_nothing(settings, provider):
    settings.BT_SECURITY_GEO_PROVIDER = provider
    settings.BT_SECURITY_GEO_IP_API_ALLOW_PLAIN_HTTP = True
    settings.BT_SECURITY_GEO_MAXMIND_CITY_FILE = "missing"
    assert ids() == []


@pytest.mark.parametrize("name", ["PROVIDER", "IP_API_KEY", "IP_API_URL", "MAXMIND_CITY_FILE"])
@pytest.mark.parametrize("provider", ["maxmind", "ip-api", "nowhere"])
def test_a_value_of_a_wrong_type_is_left_to_e001(settings, provider, name):
    settings.BT_SECURITY_GEO_PROVIDER = provider
    setattr(settings, f"BT_SECURITY_GEO_{name}", 5)
    assert ids() == []


@pytest.mark.parametrize(
    "name", ["maxmnd", "os.nothing", "no.such.module", "os.name", ".", "a.", ".a.b"]
)
def test_a_provider_that_does_not_exist_is_e170(settings, name):
    settings.BT_SECURITY_GEO_PROVIDER = name
    (error,) = check_own_provider()
    assert (error.id, error.level) == ("bt_security.E170", ERROR)


def test_a_class_without_lookup_is_e170(settings):
    settings.BT_SECURITY_GEO_PROVIDER = f"{__name__}.Bad"
    assert ids() == ["E170"]


@pytest.mark.parametrize("name", ["Good", "ids"])
def test_a_class_or_a_function_that_makes_one_passes(settings, name):
    settings.BT_SECURITY_GEO_PROVIDER = f"{__name__}.{name}"
    assert ids() == []


def test_a_missing_package_is_e171_with_the_line_that_installs_it(settings, monkeypatch):
    settings.BT_SECURITY_GEO_PROVIDER = "maxmind"
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    (error,) = check_maxmind_package()
    assert (error.id, error.level) == ("bt_security.E171", ERROR)
    assert 'pip install "django-bt-security[geoip]"' in error.hint


def test_a_package_that_is_there_passes(settings, monkeypatch):
    settings.BT_SECURITY_GEO_PROVIDER = "maxmind"
    monkeypatch.setattr(checks, "find_spec", lambda name: object())
    assert check_maxmind_package() == []


@pytest.fixture
def files(settings, tmp_path):
    """Files that exist, for both settings."""
    settings.BT_SECURITY_GEO_PROVIDER = "maxmind"
    for kind in ("CITY", "ISP"):
        path = tmp_path / f"{kind}.mmdb"
        path.write_bytes(b"")
        setattr(settings, f"BT_SECURITY_GEO_MAXMIND_{kind}_FILE", str(path))
    return tmp_path


def test_files_that_can_be_read_pass(files):
    assert check_maxmind_files() == []


@pytest.mark.parametrize("kind", ["CITY", "ISP"])
@pytest.mark.parametrize("name", ["/no/such/file", "setup.cfg", "/"])
def test_a_file_that_cannot_be_read_is_e172(files, settings, kind, name):
    setattr(settings, f"BT_SECURITY_GEO_MAXMIND_{kind}_FILE", name)
    (error,) = check_maxmind_files()
    assert (error.id, error.level) == ("bt_security.E172", ERROR)
    assert f"_{kind}_FILE" in error.msg


def test_the_city_file_is_needed_and_the_other_is_not(files, settings):
    settings.BT_SECURITY_GEO_MAXMIND_ISP_FILE = ""
    assert check_maxmind_files() == []
    settings.BT_SECURITY_GEO_MAXMIND_CITY_FILE = ""
    (error,) = check_maxmind_files()
    assert "no file is named" in error.msg


@pytest.fixture
def ip_api(settings):
    settings.BT_SECURITY_GEO_PROVIDER = "ip-api"
    return settings


def test_ip_api_without_key_and_consent_is_e173(ip_api):
    (error,) = check_ip_api()
    assert (error.id, error.level) == ("bt_security.E173", ERROR)
    assert check_plain_http() == []


def test_ip_api_with_a_key_passes(ip_api):
    ip_api.BT_SECURITY_GEO_IP_API_KEY = "k"
    assert ids() == []


def test_plain_http_by_consent_is_w170(ip_api):
    ip_api.BT_SECURITY_GEO_IP_API_ALLOW_PLAIN_HTTP = True
    assert check_ip_api() == []
    (warning,) = check_plain_http()
    assert (warning.id, warning.level) == ("bt_security.W170", WARNING)


def test_a_key_over_plain_http_is_e173(ip_api):
    ip_api.BT_SECURITY_GEO_IP_API_KEY = "k"
    ip_api.BT_SECURITY_GEO_IP_API_URL = "http://places.example.com/json"
    assert ids() == ["E173"]


def test_consent_that_is_not_needed_is_no_finding(ip_api):
    ip_api.BT_SECURITY_GEO_IP_API_KEY = "k"
    ip_api.BT_SECURITY_GEO_IP_API_ALLOW_PLAIN_HTTP = True
    assert ids() == []


@pytest.mark.parametrize(
    "url",
    [
        "places.example.com/json",
        "ftp://places.example.com",
        "https://",
        "https:///json",
        "https://places.example.com/json?key=s3cret",
        "https://places.example.com/json#a",
        "https://user:s3cret@places.example.com/",
        "https://[places/",
    ],
)
def test_an_address_that_is_none_is_e174_and_not_shown(ip_api, url):
    ip_api.BT_SECURITY_GEO_IP_API_URL = url
    (error,) = check_ip_api()
    assert (error.id, error.level) == ("bt_security.E174", ERROR)
    assert "s3cret" not in f"{error.msg} {error.hint}"


def test_they_run_with_the_others(ip_api):
    def found(**options):
        return {message.id for message in run_checks(tags=[Tags.security], **options)}

    assert "bt_security.E173" in found()
    ip_api.BT_SECURITY_GEO_IP_API_ALLOW_PLAIN_HTTP = True
    assert "bt_security.W170" not in found()
    assert "bt_security.W170" in found(include_deployment_checks=True)
