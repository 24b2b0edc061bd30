"""Checks of the session engine and of what it keeps sessions in."""

from __future__ import annotations

import pytest
from django.contrib.sessions.backends.db import SessionStore as DjangoSession
from django.core.checks import ERROR, WARNING, run_checks

from bt_security.checks.sessions import (
    CACHE_ENGINE,
    DATABASE_ENGINE,
    check_engine,
    check_left_over_rows,
    check_limits,
    check_serializer,
    check_session_cache,
    check_shared_session_cache,
)

pytestmark = pytest.mark.once

DJANGOS_ENGINE = "django.contrib.sessions.backends.db"
BACKENDS = "django.core.cache.backends"


@pytest.fixture(params=[DATABASE_ENGINE, CACHE_ENGINE])
def site(request, settings):
    settings.SESSION_ENGINE = request.param
    settings.BT_SECURITY_FEATURES = ["sessions"]
    return settings


def use_cache(settings, backend):
    settings.SESSION_ENGINE = CACHE_ENGINE
    settings.CACHES = {"default": {"BACKEND": f"{BACKENDS}.{backend}", "LOCATION": "redis://x"}}


def ids(findings):
    return [found.id for found in findings]


def test_a_whole_site_has_nothing_to_say(site):
    assert [*check_engine(), *check_serializer(), *check_session_cache(), *check_limits()] == []


def test_our_engine_without_the_feature_is_e090(site):
    site.BT_SECURITY_FEATURES = []
    (error,) = check_engine()
    assert (error.id, error.level) == ("bt_security.E090", ERROR)


def test_the_feature_with_another_engine_is_e091(settings):
    settings.BT_SECURITY_FEATURES = ["sessions"]
    settings.SESSION_ENGINE = DJANGOS_ENGINE
    (error,) = check_engine()
    assert (error.id, error.level) == ("bt_security.E091", ERROR)


def test_a_site_without_our_sessions_is_left_alone(settings):
    settings.SESSION_ENGINE = DJANGOS_ENGINE
    settings.SESSION_SERIALIZER = "site.Pickle"
    settings.SESSION_SAVE_EVERY_REQUEST = True
    assert [*check_engine(), *check_serializer(), *check_session_cache()] == []
    assert [*check_shared_session_cache(), *check_limits()] == []


def test_malformed_features_are_left_to_their_own_check(site):
    site.BT_SECURITY_FEATURES = "sessions"
    assert check_engine() == []


def test_a_serializer_of_the_site_is_e092(site):
    site.SESSION_SERIALIZER = "django.contrib.sessions.serializers.PickleSerializer"
    assert ids(check_serializer()) == ["bt_security.E092"]


def test_a_cache_that_keeps_nothing_is_e093(settings):
    use_cache(settings, "dummy.DummyCache")
    assert ids(check_session_cache()) == ["bt_security.E093"]


@pytest.mark.parametrize("name", ["missing", "broken"])
def test_no_cache_at_all_is_e093(settings, name):
    settings.SESSION_ENGINE = CACHE_ENGINE
    settings.CACHES = {"default": {"BACKEND": "dummy"}, "broken": {"BACKEND": "no.such.Cache"}}
    settings.SESSION_CACHE_ALIAS = name
    assert ids(check_session_cache()) == ["bt_security.E093"]
    assert check_shared_session_cache() == []


@pytest.mark.parametrize(("debug", "expected"), [(False, ["bt_security.W090"]), (True, [])])
def test_a_cache_of_one_process_is_w090_on_a_real_site(settings, debug, expected):
    use_cache(settings, "locmem.LocMemCache")
    settings.DEBUG = debug
    assert check_session_cache() == []
    assert ids(check_shared_session_cache()) == expected


def test_redis_is_shared(settings):
    use_cache(settings, "redis.RedisCache")
    assert [*check_session_cache(), *check_shared_session_cache()] == []


def test_saving_at_every_request_is_w091(site):
    site.SESSION_SAVE_EVERY_REQUEST = True
    (warning,) = check_limits()
    assert (warning.id, warning.level) == ("bt_security.W091", WARNING)


@pytest.mark.parametrize(("idle", "expected"), [(0, []), (59, []), (60, ["bt_security.W092"])])
def test_an_idle_limit_that_never_ends_a_session_is_w092(site, idle, expected):
    site.SESSION_COOKIE_AGE = 60
    site.BT_SECURITY_SESSIONS_IDLE_SECONDS = idle
    assert ids(check_limits()) == expected


def test_a_malformed_idle_limit_is_left_to_its_own_check(site):
    site.BT_SECURITY_SESSIONS_IDLE_SECONDS = "long"
    assert check_limits() == []


@pytest.mark.django_db
def test_rows_of_djangos_engine_are_w093(site):
    assert check_left_over_rows(databases=["default"]) == []
    DjangoSession().save()
    assert check_left_over_rows() == []
    assert ids(check_left_over_rows(databases=["default"])) == ["bt_security.W093"]
    found = run_checks(tags=["database"], databases=["default"], include_deployment_checks=True)
    assert "bt_security.W093" in ids(found)


def test_rows_are_not_looked_for_where_no_table_of_django_is(settings):
    settings.SESSION_ENGINE = DJANGOS_ENGINE
    assert check_left_over_rows(databases=["default"]) == []
