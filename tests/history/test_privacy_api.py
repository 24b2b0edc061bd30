"""The choice of what is kept by JSON, and the deletion of what is stored."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from bt_security.history.privacy import may_locate, set_geolocation
from tests.audit.conftest import audit_on, log  # noqa: F401 - fixtures
from tests.history.conftest import make_user
from tests.history.places import NOWHERE, logged_in, place_of
from tests.history.privacy_site import MIDDLEWARE

pytestmark = [pytest.mark.once, pytest.mark.django_db]

SETTINGS = "/api/profile/settings"
LOCATIONS = "/api/profile/login-history/locations"
JSON = "application/json"


@pytest.fixture(autouse=True)
def site(log, settings):  # noqa: F811
    settings.BT_SECURITY_FEATURES = ["sessions", "ratelimit", "csrf", "history", "audit"]
    settings.BT_SECURITY_IMPERSONATION_ENABLED = True
    settings.SESSION_ENGINE = "bt_security.sessions.db"
    settings.CSRF_FAILURE_VIEW = "bt_security.csrf.failure"
    settings.MIDDLEWARE = MIDDLEWARE
    settings.ROOT_URLCONF = "tests.history.privacy_site"
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": uuid4().hex,
        }
    }
    return settings


@pytest.fixture
def user():
    return make_user("mary")


def browser(user, **options):
    client = Client(**options)
    client.force_login(user)
    return client


def patch(client, content, **more):
    return client.patch(SETTINGS, content, content_type=JSON, **more)


def acting(user):
    """A browser in which staff act as the user."""
    operator = make_user("anne", is_staff=True)
    operator.user_permissions.add(Permission.objects.get(codename="impersonate_user"))
    client = browser(operator)
    body = {"user": str(user.pk), "reason": "ticket 7"}
    assert client.post("/api/impersonation", body, content_type=JSON).status_code == 200
    return client


@pytest.mark.parametrize(
    ("method", "path"), [("get", SETTINGS), ("patch", SETTINGS), ("delete", LOCATIONS)]
)
def test_without_a_log_in_the_answer_is_401(method, path):
    answer = getattr(Client(), method)(path)
    assert (answer.status_code, answer.json()["code"]) == (401, "NOT_AUTHENTICATED")


@pytest.mark.feature("BT-60")
def test_a_new_user_has_allowed_nothing(user):
    """A new user has allowed nothing, by `GET api/profile/settings`."""
    assert browser(user).get(SETTINGS).json() == {"geolocation_enabled": False}


@pytest.mark.feature("BT-60")
def test_the_choice_is_changed_with_a_csrf_token(user):
    """`PATCH api/profile/settings` changes the consent, with a CSRF token."""
    client = browser(user, enforce_csrf_checks=True)
    token = client.get("/api/auth/csrf-token").json()["csrf_token"]
    for enabled in (True, False):
        answer = patch(client, {"geolocation_enabled": enabled}, headers={"X-CSRFToken": token})
        assert (answer.status_code, answer.json()) == (200, {"geolocation_enabled": enabled})
        assert may_locate(user) is enabled


@pytest.mark.parametrize(("method", "path"), [("patch", SETTINGS), ("delete", LOCATIONS)])
def test_without_a_csrf_token_nothing_changes(user, method, path):
    client = browser(user, enforce_csrf_checks=True)
    body = {"geolocation_enabled": True}
    answer = getattr(client, method)(path, body, content_type=JSON)
    assert (answer.status_code, answer.json()["code"]) == (403, "CSRF_FAILED")
    assert not may_locate(user)


@pytest.mark.parametrize("value", [None, "", "perhaps", 1, [], {}])
def test_what_is_neither_yes_nor_no_is_refused(user, value):
    set_geolocation(user, enabled=True)
    answer = patch(browser(user), {"geolocation_enabled": value})
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_FAILED")
    assert may_locate(user)


def test_other_settings_are_refused(user):
    answer = patch(browser(user), {"is_staff": True})
    assert answer.json()["fields"] == {"is_staff": ["There is no such field."]}


def test_what_is_not_sent_stays(user):
    set_geolocation(user, enabled=True)
    assert patch(browser(user), {}).json() == {"geolocation_enabled": True}
    assert may_locate(user)


def test_one_changes_the_own_choice_only(user):
    other = make_user("peter")
    patch(browser(user), {"geolocation_enabled": True})
    assert (may_locate(user), may_locate(other)) == (True, False)


def test_each_change_is_one_entry_by_its_user(user, log):  # noqa: F811
    client = browser(user)
    for enabled in (True, True, False):
        patch(client, {"geolocation_enabled": enabled})
    on, off = log(action="privacy.changed")
    assert (on.body, off.body) == ({"geolocation_enabled": True}, {"geolocation_enabled": False})
    assert {on.actor_id, off.actor_id} == {str(user.pk)}


def test_stored_places_are_erased(user, log):  # noqa: F811
    event = logged_in(user, location_city="Munich")
    answer = browser(user).delete(LOCATIONS)
    assert (answer.status_code, answer.json()) == (200, {"erased": 1})
    assert place_of(event) == NOWHERE
    assert log.only(action="privacy.locations_erased").actor_id == str(user.pk)


def test_who_acts_as_another_changes_nothing(user):
    event = logged_in(user, location_city="Munich")
    client = acting(user)
    assert client.get(SETTINGS).status_code == 200
    for answer in (patch(client, {"geolocation_enabled": True}), client.delete(LOCATIONS)):
        assert (answer.status_code, answer.json()["code"]) == (403, "NOT_WHILE_IMPERSONATING")
    assert not may_locate(user)
    assert place_of(event)["location_city"] == "Munich"


def test_changes_are_limited_together_and_reading_is_not(user, site):
    site.BT_SECURITY_RATELIMIT_OPERATIONS = {"privacy": "2/15m:user"}
    client = browser(user)
    assert patch(client, {"geolocation_enabled": True}).status_code == 200
    assert client.delete(LOCATIONS).status_code == 200
    for answer in (patch(client, {"geolocation_enabled": False}), client.delete(LOCATIONS)):
        assert (answer.status_code, answer.json()["code"]) == (429, "RATE_LIMITED")
    assert client.get(SETTINGS).json() == {"geolocation_enabled": True}
