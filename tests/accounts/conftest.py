"""The routes of the own account, as a logged-in browser uses them, and sites of operators."""

from __future__ import annotations

import os
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.core.cache import caches
from django.db.models.signals import post_save, pre_save
from django.test import Client

from bt_security import audit
from bt_security.passwords import restriction
from bt_security.sessions import receivers
from tests.accounts.impersonation_site import MIDDLEWARE
from tests.accounts.log_in_site import LIMITED, MODEL
from tests.audit.conftest import audit_on, log  # noqa: F401 - fixtures
from tests.sessions.conftest import CACHE, DATABASE, SIGNALS, clock, events  # noqa: F401 - fixtures
from tests.testapp.models import Account


@pytest.fixture(autouse=True)
def _counting_cache(settings):
    settings.BT_SECURITY_FEATURES = ["ratelimit"]
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": uuid4().hex,
        }
    }


@pytest.fixture
def ann(db):
    return Account.objects.create_user("ann@example.com", "the right password")


@pytest.fixture
def eve(db):
    return Account.objects.create_user("eve@example.com", "the right password")


@pytest.fixture
def client(ann):
    """A browser in which Ann has logged in; CSRF is checked by tests of `web`."""
    client = Client()
    client.force_login(ann)
    return client


def make_operator(name):
    operator = Account.objects.create_user(
        f"{name}@example.com", "the right password", is_staff=True
    )
    operator.user_permissions.add(Permission.objects.get(codename="impersonate_user"))
    return Account.objects.get(pk=operator.pk)


@pytest.fixture
def sam(db):
    """An operator of the support."""
    return make_operator("sam")


@pytest.fixture(
    params=["db", "locmem", pytest.param("redis", marks=pytest.mark.redis)], name="engine"
)
def _engine(request, settings):
    """One of our session engines, with the cache that it uses."""
    settings.SESSION_ENGINE = DATABASE if request.param == "db" else CACHE
    if request.param != "redis":
        yield request.param
        return
    prefix = f"impersonation-{uuid4().hex}"
    settings.SESSION_CACHE_ALIAS = "sessions"
    settings.CACHES = {
        **settings.CACHES,
        "sessions": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": os.environ["BT_TEST_REDIS_URL"],
            "KEY_PREFIX": prefix,
        },
    }
    yield request.param
    client = caches["sessions"]._cache.get_client(write=True)
    for key in client.scan_iter(match=f"{prefix}*"):
        client.delete(key)


@pytest.fixture
def site(engine, log, settings):  # noqa: F811 - the fixture
    """A site with impersonation, its receivers and its audit log."""
    settings.BT_SECURITY_FEATURES = ["sessions", "ratelimit", "csrf", "audit"]
    settings.BT_SECURITY_IMPERSONATION_ENABLED = True
    settings.MIDDLEWARE = MIDDLEWARE
    settings.ROOT_URLCONF = "tests.accounts.impersonation_site"
    settings.LOGIN_URL = "/log-in/"
    settings.LOGIN_REDIRECT_URL = "/who/"
    before = {signal: list(signal.receivers) for signal in SIGNALS}
    receivers.connect()
    audit.register("test.done", help="For tests.")
    yield settings
    for signal, known in before.items():
        signal.receivers[:] = known
        signal.sender_receivers_cache.clear()


@pytest.fixture
def log_in_site(db, settings):
    """A site whose people log in at the package's own pages, or by JSON."""
    settings.BT_SECURITY_FEATURES = ["sessions", "ratelimit", "csrf", "passwords", "accounts"]
    settings.BT_SECURITY_PASSWORDS_CHANGE_URL = "bt_security:password"
    settings.SESSION_ENGINE = DATABASE
    settings.MIDDLEWARE = MIDDLEWARE
    settings.AUTHENTICATION_BACKENDS = [LIMITED, MODEL]
    settings.CSRF_FAILURE_VIEW = "bt_security.csrf.failure"
    settings.ROOT_URLCONF = "tests.accounts.log_in_site"
    settings.LOGIN_URL = "bt_security:login"
    settings.LOGIN_REDIRECT_URL = "/welcome"
    signals = [*SIGNALS, pre_save, post_save]
    before = {signal: list(signal.receivers) for signal in signals}
    receivers.connect()
    restriction.connect()
    yield settings
    for signal, known in before.items():
        signal.receivers[:] = known
        signal.sender_receivers_cache.clear()


@pytest.fixture
def told():
    """What Django's signals say of log-ins while a test runs: "in" or "failed"."""
    heard = []

    def hear_in(**_):
        heard.append("in")

    def hear_failed(**_):
        heard.append("failed")

    user_logged_in.connect(hear_in)
    user_login_failed.connect(hear_failed)
    yield heard
    user_logged_in.disconnect(hear_in)
    user_login_failed.disconnect(hear_failed)
