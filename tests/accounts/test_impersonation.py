"""Acting as another account, and the way back."""

from __future__ import annotations

import pytest
from django.contrib.auth.signals import user_logged_in
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bt_security import sessions
from bt_security.models import Device, Session
from bt_security.testing import CsrfClient
from tests.accounts.impersonating import (
    NOBODY,
    SECOND,
    acting,
    begin,
    browser,
    cookie_of,
    count_of,
    end,
    key_of,
    seen,
)
from tests.testapp.models import Account

pytestmark = [pytest.mark.once, pytest.mark.django_db, pytest.mark.usefixtures("site")]


def values(client):
    return key_of(client), cookie_of(client, "csrftoken")


def test_an_operator_acts_as_a_user(ann, sam):
    client = browser(sam)
    answer = begin(client, ann)
    assert answer.json() == {"user": str(ann.pk), "seconds": 7200}
    assert seen(client) == (ann.pk, sam.pk)


@pytest.mark.feature("BD-26")
def test_the_operators_own_session_survives(ann, sam):
    """An operator acts as a user by another session, and then goes on with the own one."""
    client = browser(sam)
    client.get("/note/", {"note": "mine"})
    (own,) = sessions.for_user(sam)
    begin(client, ann)
    assert client.get("/read-note/").content == b""
    assert end(client).json() == {"is_logged_in": True}
    assert seen(client) == (sam.pk, None)
    assert client.get("/read-note/").content == b"mine"
    assert [info.id for info in sessions.for_user(sam)] == [own.id]
    assert count_of(ann) == 0


def test_the_own_session_comes_back_under_a_new_key(ann, sam):
    client = browser(sam)
    before = key_of(client)
    begin(client, ann)
    during = key_of(client)
    end(client)
    assert len({before, during, key_of(client)}) == 3
    for old in (before, during):
        other = Client()
        other.cookies["sessionid"] = old
        assert seen(other) == NOBODY


def test_what_the_operator_has_just_stored_is_kept(ann, sam):
    client = browser(sam)
    assert client.post("/act/", {"user": ann.pk}).content == str(ann.pk).encode()
    assert seen(client) == (ann.pk, sam.pk)
    end(client)
    assert client.get("/read-note/").content == b"before"


@pytest.mark.feature("BD-24")
def test_both_cookies_change_at_both_ends(ann, sam):
    """Session and CSRF cookie change together where an operator begins and ends to act."""
    client = CsrfClient()
    client.force_login(sam)
    client.get("/api/auth/csrf-token")
    seen_values = [values(client)]
    assert begin(client, ann).status_code == 200
    seen_values.append(values(client))
    assert end(client).status_code == 200
    seen_values.append(values(client))
    keys, tokens = zip(*seen_values, strict=True)
    assert (len(set(keys)), len(set(tokens))) == (3, 3)


def test_a_token_in_the_session_changes_as_well(ann, sam, site):
    site.CSRF_USE_SESSIONS = True
    client = browser(sam)
    first = client.get("/api/auth/csrf-token").json()["csrf_token"]
    begin(client, ann)
    client.handler.enforce_csrf_checks = True
    assert client.delete("/api/impersonation", headers={"X-CSRFToken": first}).status_code == 403
    token = client.get("/api/auth/csrf-token").json()["csrf_token"]
    assert client.delete("/api/impersonation", headers={"X-CSRFToken": token}).status_code == 200


def test_nothing_of_the_users_log_ins_changes(ann, sam):
    client = browser(sam)
    told, devices = [], Device.objects.count()
    user_logged_in.connect(lambda **_: told.append(1), weak=False, dispatch_uid="test")
    try:
        begin(client, ann)
        end(client)
    finally:
        user_logged_in.disconnect(dispatch_uid="test")
    assert (told, Device.objects.count()) == ([], devices)
    ann.refresh_from_db()
    assert ann.last_login is None


def test_the_user_sees_it_among_the_own_sessions_and_can_end_it(ann, sam):
    own = browser(ann)
    support = acting(sam, ann)
    listed = own.get("/api/sessions").json()
    assert sorted(each["is_impersonated"] for each in listed) == [False, True]
    (target,) = [each["id"] for each in listed if each["is_impersonated"]]
    assert own.delete(f"/api/sessions/{target}").status_code == 204
    assert seen(support) == NOBODY
    assert seen(own) == (ann.pk, None)


def test_an_own_session_is_not_marked(ann, sam):
    client = acting(sam, ann)
    end(client)
    assert not Session.objects.filter(is_impersonated=True).exists()


def test_the_button_of_the_banner_ends_it(ann, sam):
    client = acting(sam, ann)
    page = client.get("/banner/").content.decode()
    assert "sam@example.com" in page
    assert "ann@example.com" in page
    assert 'action="/impersonation/stop/"' in page
    assert "csrfmiddlewaretoken" in page
    answer = client.post("/impersonation/stop/")
    assert (answer.status_code, answer["Location"]) == (302, "/who/")
    assert answer["Cache-Control"] == "no-store"
    assert seen(client) == (sam.pk, None)


def test_nobody_else_sees_a_banner(ann, sam):
    for client in (browser(sam), Client()):
        assert client.get("/banner/").content.split() == [b"<body>", b"</body>"]


def test_the_button_goes_on_within_the_site_only(ann, sam):
    for next_page, place in (("/plain/", "/plain/"), ("https://evil.example/", "/who/")):
        client = acting(sam, ann)
        answer = client.post("/impersonation/stop/", {"next": next_page})
        assert answer["Location"] == place


def test_the_button_does_nothing_for_others(ann):
    client = browser(ann)
    assert client.post("/impersonation/stop/")["Location"] == "/who/"
    assert seen(client) == (ann.pk, None)


def test_there_is_nothing_to_end_for_who_acts_as_oneself(sam):
    client = browser(sam)
    answer = end(client)
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
    assert client.post("/end/").content == b"False"
    assert seen(client) == (sam.pk, None)


def asked(client, path):
    """Return how often a request asks for sessions and users; the log may seal meanwhile."""
    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        client.get(path)
    tables = (Session._meta.db_table, Account._meta.db_table)
    return sum(any(table in query["sql"] for table in tables) for query in captured)


def test_an_impersonated_request_asks_once_more_and_others_do_not(ann, sam, site):
    own, support = browser(ann), acting(sam, ann)
    assert (asked(own, "/plain/"), asked(support, "/plain/")) == (2, 3)
    assert (asked(own, "/idle/"), asked(support, "/idle/")) == (0, 0)
    site.BT_SECURITY_IMPERSONATION_ENABLED = False
    assert asked(own, "/plain/") == 2


def test_a_superuser_acts_as_a_user(ann):
    root = Account.objects.create_superuser("root@example.com", "x")
    client = acting(root, ann)
    assert seen(client) == (ann.pk, root.pk)


def test_the_second_cookie_is_as_strict_as_that_of_the_session(ann, sam, site):
    client = browser(sam)
    cookie = begin(client, ann).cookies[SECOND]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert (cookie["max-age"], cookie["domain"], cookie["secure"]) == (7200, "", "")
    gone = end(client).cookies[SECOND]
    assert (gone.value, gone["max-age"], gone["samesite"]) == ("", 0, "Strict")


@pytest.mark.parametrize("name", ["sessionid", "__Host-bt_session"])
def test_with_secure_cookies_it_has_the_prefix(ann, sam, site, name):
    site.SESSION_COOKIE_NAME = name
    site.SESSION_COOKIE_SECURE = True
    client = browser(sam)
    cookie = begin(client, ann, secure=True).cookies[f"__Host-{SECOND}"]
    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
    gone = client.delete("/api/impersonation", secure=True).cookies[f"__Host-{SECOND}"]
    assert (gone.value, gone["secure"]) == ("", True)


def test_it_goes_wherever_the_cookie_of_the_session_goes(ann, sam, site):
    site.SESSION_COOKIE_SECURE = True
    site.SESSION_COOKIE_DOMAIN = "testserver"
    client = browser(sam)
    cookie = begin(client, ann, secure=True).cookies[SECOND]
    assert (cookie["secure"], cookie["domain"]) == (True, "testserver")


def test_by_https_it_is_secure_without_a_setting(ann, sam, site):
    site.BT_SECURITY_COOKIES_SECURE_BY_REQUEST = ["session"]
    assert begin(browser(sam), ann, secure=True).cookies[SECOND]["secure"]


def test_the_operators_key_is_stored_nowhere_and_is_not_in_the_cookie(ann, sam):
    client = browser(sam)
    own_key = key_of(client)
    begin(client, ann)
    assert own_key not in cookie_of(client)
    assert own_key not in str(list(Session.objects.values()))
