"""Checks of operations and of the cache that counts."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.core.checks import ERROR, WARNING
from django.core.checks.registry import registry

from bt_security.checks import ratelimit as checks

pytestmark = pytest.mark.once

BACKENDS = "django.core.cache.backends."
DJANGOS = "django.contrib.auth.backends.ModelBackend"


def ids(messages):
    return [message.id.removeprefix("bt_security.") for message in messages]


@pytest.fixture(autouse=True)
def _on(settings):
    settings.BT_SECURITY_FEATURES = ["ratelimit"]


@pytest.fixture
def cache(settings):
    def be(backend, **options):
        settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "x", "OPTIONS": options}}

    return be


def test_a_malformed_rule_is_e120(settings):
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {
        "login": "10/15x:ip",
        "Own": "1/1m:ip",
        "sms": "off",
    }
    first, second = checks.check_operations()
    assert (first.id, first.level) == ("bt_security.E120", ERROR)
    assert "BT_SECURITY_RATELIMIT_OPERATIONS['login']: '10/15x:ip'" in first.msg
    assert "'Own' is no name" in second.msg


def test_a_malformed_rule_is_found_while_the_feature_is_off(settings):
    settings.BT_SECURITY_FEATURES = []
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"login": "often"}
    assert ids(checks.check_operations()) == ["E120"]


def test_an_operation_that_does_not_exist_cannot_stay_open(settings):
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"sms": "1/1m:ip"}
    settings.BT_SECURITY_RATELIMIT_FAIL_OPEN = ["login", "sms", "logn"]
    (error,) = checks.check_operations()
    assert (error.id, "'logn'" in error.msg) == ("bt_security.E121", True)


@pytest.mark.parametrize(
    "path", ["", "nowhere.find", "bt_security.nothing", "bt_security.__version__"]
)
def test_a_known_device_that_cannot_be_asked_is_e122(settings, path):
    settings.BT_SECURITY_RATELIMIT_KNOWN_DEVICE = path
    assert ids(checks.check_known_device()) == ["E122"]


@pytest.mark.parametrize(
    "backend", ["db.DatabaseCache", "dummy.DummyCache", "filebased.FileBasedCache"]
)
def test_a_cache_without_atomic_increment_is_e123(cache, backend):
    cache(f"{BACKENDS}{backend}")
    (error,) = checks.check_cache()
    assert (error.id, error.level) == ("bt_security.E123", ERROR)
    assert backend.partition(".")[2] in error.msg
    assert checks.check_cache_is_shared() == []


def test_an_alias_that_is_not_there_is_e123(settings):
    settings.BT_SECURITY_RATELIMIT_CACHE = "counters"
    (error,) = checks.check_cache()
    assert (error.id, "'counters'" in error.msg) == ("bt_security.E123", True)


@pytest.mark.parametrize("backend", ["nowhere.Cache", "django.nowhere.Cache"])
def test_a_class_that_cannot_be_loaded_is_e123(cache, backend):
    cache(backend)
    assert ids(checks.check_cache()) == ["E123"]


@pytest.mark.parametrize(
    ("name", "value"), [("RATELIMIT_ENABLE", False), ("RATELIMIT_USE_CACHE", "other")]
)
def test_django_ratelimit_that_counts_elsewhere_is_e124(settings, name, value):
    setattr(settings, name, value)
    assert ids(checks.check_cache()) == ["E124"]


def test_redis_passes(cache):
    cache(f"{BACKENDS}redis.RedisCache")
    assert checks.check_cache() == []
    assert checks.check_cache_is_shared() == []


def test_redis_without_its_package_is_e125(cache, monkeypatch):
    cache(f"{BACKENDS}redis.RedisCache")
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    (error,) = checks.check_cache()
    assert (error.id, "django-bt-security[redis]" in error.hint) == ("bt_security.E125", True)


@pytest.mark.feature("TC-17")
def test_a_cache_of_one_process_is_e126(cache):
    """`check --deploy` refuses a cache in the memory of each process while `DEBUG` is off."""
    cache(f"{BACKENDS}locmem.LocMemCache", MAX_ENTRIES=10_000)
    (error,) = checks.check_cache_is_shared()
    assert (error.id, error.level) == ("bt_security.E126", ERROR)


def test_a_cache_of_one_process_passes_while_developing(settings, cache):
    settings.DEBUG = True
    cache(f"{BACKENDS}locmem.LocMemCache")
    assert checks.check_cache_is_shared() == []


def test_a_small_cache_of_one_process_is_w120(cache):
    cache(f"{BACKENDS}locmem.LocMemCache")
    error, warning = checks.check_cache_is_shared()
    assert (error.id, warning.id, warning.level) == (
        "bt_security.E126",
        "bt_security.W120",
        WARNING,
    )


@pytest.mark.parametrize(
    ("backends", "found"),
    [
        ([DJANGOS], []),
        ([checks.LIMITED_BACKEND, DJANGOS], []),
        ([DJANGOS, checks.LIMITED_BACKEND], ["E127"]),
        ([], []),
    ],
)
def test_a_backend_before_the_counting_one_is_e127(settings, backends, found):
    settings.AUTHENTICATION_BACKENDS = backends
    assert ids(checks.check_backend_is_first()) == found


@pytest.mark.parametrize("features", [[], ["ratelimits"]])
def test_nothing_is_said_of_the_cache_while_the_feature_is_off(settings, cache, features):
    settings.BT_SECURITY_FEATURES = features
    settings.BT_SECURITY_RATELIMIT_KNOWN_DEVICE = "nowhere"
    cache(f"{BACKENDS}dummy.DummyCache")
    for check in (checks.check_known_device, checks.check_cache, checks.check_cache_is_shared):
        assert check() == []


@pytest.mark.parametrize("name", ["OPERATIONS", "FAIL_OPEN", "CACHE", "KNOWN_DEVICE"])
def test_a_value_of_a_wrong_type_is_left_to_e001(settings, name):
    setattr(settings, f"BT_SECURITY_RATELIMIT_{name}", 5)
    for check in (*checks.RATELIMIT_CHECKS, *checks.RATELIMIT_DEPLOY_CHECKS):
        assert set(ids(check())) <= {"E126", "W120"}


def test_the_checks_are_registered():
    assert set(checks.RATELIMIT_CHECKS) <= set(registry.registered_checks)
    assert set(checks.RATELIMIT_DEPLOY_CHECKS) <= set(registry.deployment_checks)


SITE = """
import sys
import django
from django.conf import settings
from django.core.management import call_command
apps = ["django.contrib.auth", "django.contrib.contenttypes"]
settings.configure(
    SECRET_KEY="k" * 50, DEBUG=True, INSTALLED_APPS=[*apps, *sys.argv[2:]],
    BT_SECURITY_FEATURES=sys.argv[1].split(), RATELIMIT_USE_CACHE="default",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    AUTHENTICATION_BACKENDS=["bt_security.ratelimit.LimitedBackend"],
    MIDDLEWARE=["bt_security.middleware.EdgeMiddleware"],
)
django.setup()
call_command("check")
"""


def findings_of(features, *apps):
    command = [sys.executable, "-c", SITE, features, *apps]
    run = subprocess.run(command, capture_output=True, text=True)
    return run.stderr


@pytest.mark.parametrize(
    "apps", [["bt_security", "django_ratelimit"], ["django_ratelimit", "bt_security"]]
)
def test_the_checks_of_django_ratelimit_are_taken_back_in_any_order(apps):
    assert "django_ratelimit" not in findings_of("ratelimit", *apps)


def test_the_checks_of_django_ratelimit_stay_while_the_feature_is_off():
    assert "django_ratelimit.E003" in findings_of("", "bt_security", "django_ratelimit")
