"""A refused log-in does not tell whether there is such an account."""

from __future__ import annotations

import re
import time
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bt_security import keys
from bt_security.models import Setting
from tests.audit.conftest import audit_on, log
from tests.history.conftest import FIREFOX, log_in, make_user, post_json

__all__ = ["audit_on", "log"]

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("history_on")]

KNOWN, UNKNOWN, INACTIVE = "mary@example.com", "nora@example.com", "paul@example.com"
FORMS = ["/login/", "/admin/login/"]
APIS = ["/json-login/", "/async-login/"]
ALWAYS_NEW = {"Date", "Expires", "X-Request-ID"}
RANDOM = re.compile(r'(csrfmiddlewaretoken" value=|nonce=)"[^"]+"')
TABLE = re.compile(r'(?:FROM|INTO|UPDATE|JOIN) "(\w+)"')


@pytest.fixture(params=["history alone", "all that a site may have"])
def site(request, settings):
    if request.param != "history alone":
        request.getfixturevalue("log")
        settings.AUTHENTICATION_BACKENDS = [
            "bt_security.ratelimit.LimitedBackend",
            "django.contrib.auth.backends.ModelBackend",
        ]
        settings.BT_SECURITY_FEATURES = [
            *("sessions", "headers", "csrf", "ratelimit", "passwords", "history", "audit")
        ]
        settings.SESSION_ENGINE = "bt_security.sessions.db"
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": uuid4().hex,
        }
    }
    make_user("mary")
    make_user("paul", is_active=False)
    refused("/json-login/", "warm@example.com")  # the audit log has the key of this month by then
    return settings


def refused(path, name, password="wrong"):
    client = Client(HTTP_USER_AGENT=FIREFOX)
    if path in FORMS:
        return log_in(client, name, password, path=path)
    return post_json(client, path, name, password)


def seen(answer, name):
    """What a client sees, without what is random or its own word."""
    headers = {key: value for key, value in answer.headers.items() if key not in ALWAYS_NEW}
    headers = {key: RANDOM.sub("", re.sub(r"nonce-[^']+", "", v)) for key, v in headers.items()}
    cookies = {
        key: {name: value for name, value in morsel.items() if name != "expires"}
        for key, morsel in answer.cookies.items()
    }
    body = RANDOM.sub("", answer.text.replace(name, "NAME"))
    return answer.status_code, body, headers, cookies


def kinds(path, name, password="wrong"):
    """What the database is asked for: verbs and tables, in their order.

    Keys are read by the clock: inside the transaction of a test, which may yet make one, always.
    """
    with CaptureQueriesContext(connection) as captured:
        refused(path, name, password)
    found = [(each["sql"].split()[0], tuple(TABLE.findall(each["sql"]))) for each in captured]
    return [kind for kind in found if kind != ("SELECT", ("bt_security_setting",))]


@pytest.mark.parametrize("path", FORMS + APIS)
@pytest.mark.parametrize(
    ("known", "password"),
    [(KNOWN, "wrong"), (INACTIVE, "wrong"), (INACTIVE, "Correct-horse-7")],
)
def test_answers_are_equal(site, path, known, password):
    of_known = seen(refused(path, known, password), known)
    assert of_known == seen(refused(path, UNKNOWN, password), UNKNOWN)
    assert of_known[0] in (200, 401)


@pytest.mark.parametrize("path", FORMS + APIS)
@pytest.mark.parametrize("known", [KNOWN, INACTIVE])
def test_the_database_is_asked_for_the_same(site, path, known):
    of_known = kinds(path, known)
    assert of_known == kinds(path, UNKNOWN)
    assert ("INSERT", ("bt_security_login_event",)) in of_known


@pytest.mark.parametrize("path", FORMS + APIS)
def test_refusals_of_the_limiter_are_equal(site, settings, path, monkeypatch):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)  # `Retry-After` says how long it takes
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"login": "1/15m:ip"}
    refused(path, "warm@example.com")
    of_known = seen(refused(path, KNOWN), KNOWN)
    assert of_known == seen(refused(path, UNKNOWN), UNKNOWN)
    assert kinds(path, KNOWN) == kinds(path, UNKNOWN)


def test_the_first_refusal_ever_makes_the_same_keys_for_any_name(history_on):
    make_user("mary")
    key = Setting.vault.filter(name__contains="/login-name/")
    asked = []
    for name in (KNOWN, UNKNOWN):
        key.delete()
        keys.forget()
        asked.append(kinds("/json-login/", name))
        assert key.exists()
    assert asked[0] == asked[1]
