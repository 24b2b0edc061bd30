"""The own sessions as JSON, and the log-out."""

from __future__ import annotations

import importlib
import uuid

import pytest
from django.urls import clear_url_caches

import bt_security.urls
import tests.sessions.urls
from bt_security import sessions
from tests.sessions.conftest import browser, is_in, key_of, make_user, with_key

OWN = "/api/sessions"
OTHERS = "/api/sessions/revoke-others"
LOGOUT = "/api/auth/logout"


@pytest.fixture(autouse=True)
def _routes(engine, settings):
    """The URLs as a site with the feature loads them."""
    reload()
    yield
    settings.BT_SECURITY_FEATURES = []
    reload()


def reload():
    importlib.reload(bt_security.urls)
    importlib.reload(tests.sessions.urls)
    clear_url_caches()


def ids_of(user):
    return {str(info.id) for info in sessions.for_user(user)}


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", OWN), ("delete", f"{OWN}/{uuid.UUID(int=1)}"), ("post", OTHERS), ("post", LOGOUT)],
)
def test_without_a_log_in_the_answer_is_401(db, method, path):
    answer = getattr(browser(), method)(path)
    assert (answer.status_code, answer.json()["code"]) == (401, "NOT_AUTHENTICATED")


def test_a_session_of_another_user_is_404_and_goes_on(user):
    other = make_user("peter")
    victim = browser(other)
    (target,) = ids_of(other)
    answer = browser(user).delete(f"{OWN}/{target}")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert is_in(victim)


def test_an_unknown_session_is_404(user):
    assert browser(user).delete(f"{OWN}/{uuid.uuid4()}").status_code == 404


def test_the_own_sessions_are_listed_and_those_of_others_are_not(user):
    own, _, _ = browser(user), browser(user), browser(make_user("peter"))
    found = own.get(OWN).json()
    assert {each["id"] for each in found} == ids_of(user)
    assert [each["is_current"] for each in found].count(True) == 1
    assert all(key_of(own) not in str(each) for each in found)


def test_another_session_of_the_own_account_can_be_ended(user):
    own, other = browser(user), browser(user)
    (target,) = [each["id"] for each in own.get(OWN).json() if not each["is_current"]]
    assert own.delete(f"{OWN}/{target}").status_code == 204
    assert is_in(own)
    assert not is_in(other)


def test_all_others_can_be_ended_at_once(user):
    own, others = browser(user), [browser(user), browser(user)]
    assert own.post(OTHERS).json() == {"ended": 2}
    assert is_in(own)
    assert not any(map(is_in, others))


@pytest.mark.feature("TC-04")
def test_after_a_log_out_the_old_cookie_is_401(user, settings):
    """A log-out ends the session in the store and deletes both cookies; the old one gets 401."""
    client = browser(user)
    key = key_of(client)
    answer = client.post(LOGOUT)
    assert answer.status_code == 204
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    for name in (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME):
        assert answer.cookies[name]["max-age"] == 0
    assert sessions.for_user(user) == []
    assert with_key(key).get(OWN).status_code == 401
