"""What ends acting as another account, and what the cookies are worth by themselves."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group, Permission
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from bt_security import sessions
from bt_security.models import Session
from tests.accounts.conftest import make_operator
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
    with_cookies,
)
from tests.testapp.models import Account

pytestmark = [pytest.mark.once, pytest.mark.django_db, pytest.mark.usefixtures("site")]

HOUR = 3_600


def why(events):
    """Return the reason for the one end there was."""
    (found,) = [event.reason for event in events if event.action == "impersonation.ended"]
    return found


def change(user, **fields):
    Account.objects.filter(pk=user.pk).update(**fields)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"is_active": False}, "operator_role_changed"),
        ({"is_staff": False}, "operator_role_changed"),
        ({"is_superuser": True}, "operator_role_changed"),
        ({"password": "another"}, "operator_password_changed"),
    ],
)
def test_a_change_of_the_operator_ends_it(events, ann, sam, fields, reason):
    client = acting(sam, ann)
    change(sam, **fields)
    assert seen(client) == NOBODY
    assert why(events) == reason


def test_without_the_permission_it_ends(events, ann, sam):
    client = acting(sam, ann)
    sam.user_permissions.clear()
    assert seen(client) == NOBODY
    assert why(events) == "operator_rights_changed"


def test_without_the_group_that_has_the_permission_it_ends(ann, sam):
    group = Group.objects.create(name="support")
    group.permissions.add(Permission.objects.get(codename="impersonate_user"))
    sam.user_permissions.clear()
    sam.groups.add(group)
    client = acting(sam, ann)
    group.permissions.clear()
    assert seen(client) == NOBODY


def test_with_the_operators_own_session_it_ends(events, ann, sam):
    client = acting(sam, ann)
    sessions.revoke(sessions.for_user(sam)[0].id)
    assert seen(client) == NOBODY
    assert why(events) == "operator_revoked"


def test_with_all_sessions_of_the_operator_it_ends(events, ann, sam):
    client = acting(sam, ann)
    sessions.revoke_all(sam)
    assert seen(client) == NOBODY
    assert why(events) == "operator_ended"


def test_with_the_operator_it_ends(ann, sam):
    client = acting(sam, ann)
    sam.delete()
    assert seen(client) == NOBODY


def test_it_is_judged_without_our_middleware_too(site, ann, sam):
    client = acting(sam, ann)
    site.MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
    assert client.get("/bare/").content == str(ann.pk).encode()
    change(sam, is_active=False)
    assert client.get("/bare/").content == b""


@pytest.mark.parametrize("fields", [{"is_staff": True}, {"is_active": False}])
def test_a_change_of_the_account_ends_it(events, ann, sam, fields):
    client = acting(sam, ann)
    change(ann, **fields)
    assert seen(client) == NOBODY
    assert why(events) == "role_changed"
    assert count_of(sam) == 0


def test_a_change_of_both_at_once_ends_it_too(events, ann, sam):
    client = acting(sam, ann)
    sessions.revoke(sessions.for_user(sam)[0].id)
    change(ann, is_staff=True)
    assert seen(client) == NOBODY
    assert why(events) == "role_changed"


def test_once_it_is_switched_off_it_ends(events, ann, sam, site):
    client = acting(sam, ann)
    site.BT_SECURITY_IMPERSONATION_ENABLED = False
    assert client.get("/plain/").content == b"None"
    assert why(events) == "switched_off"


@pytest.mark.feature("BD-26")
def test_two_hours_are_the_most(clock, ann, sam):
    """Acting as another account ends after two hours, however much it is used."""
    client = acting(sam, ann)
    clock.advance(HOUR)
    assert seen(client) == (ann.pk, sam.pk)
    clock.advance(HOUR + 1)
    assert seen(client) == NOBODY
    assert count_of(ann) == 0


def test_the_limit_ends_both_and_is_reported_once(events, ann, sam):
    client = acting(sam, ann)
    Session.objects.filter(user=ann).update(expires_at=timezone.now())
    assert seen(client) == seen(client) == NOBODY
    assert why(events) == "lifetime"
    assert (count_of(ann), count_of(sam)) == (0, 0)


def test_it_does_not_outlive_the_own_session(clock, ann, sam, site):
    site.SESSION_COOKIE_AGE = 3 * HOUR
    client = browser(sam)
    clock.advance(2 * HOUR)
    assert begin(client, ann).json()["seconds"] <= HOUR


def test_the_own_session_is_not_idle_meanwhile(clock, ann, sam, site):
    site.BT_SECURITY_SESSIONS_IDLE_SECONDS = HOUR
    client = acting(sam, ann)
    for _ in range(3):
        clock.advance(HOUR / 2)
        assert seen(client) == (ann.pk, sam.pk)
    end(client)
    assert seen(client) == (sam.pk, None)


def test_nobody_acts_once_it_was_idle(events, clock, ann, sam, site):
    site.BT_SECURITY_SESSIONS_IDLE_SECONDS = HOUR
    client = acting(sam, ann)
    clock.advance(HOUR + 1)
    assert seen(client) == NOBODY


@pytest.mark.parametrize("path", ["/log-out/", "/api/auth/logout"])
def test_a_log_out_ends_both_sessions_and_leaves_no_cookie(events, ann, sam, path):
    client = acting(sam, ann)
    client.get("/banner/")  # sets the CSRF cookie
    gone = client.post(path).cookies
    assert [gone[name].value for name in ("sessionid", "csrftoken", SECOND)] == ["", "", ""]
    assert seen(client) == NOBODY
    assert Session.objects.count() == 0
    assert why(events) == "logged_out"


def test_a_session_that_is_ended_unread_ends_both_as_well(ann, sam):
    client = acting(sam, ann)
    session = client.session
    type(session)(session.session_key).flush()
    assert (count_of(ann), count_of(sam)) == (0, 0)


def test_async_code_ends_both_as_well(ann, sam):
    session = acting(sam, ann).session
    async_to_sync(type(session)(session.session_key).aflush)()
    assert (count_of(ann), count_of(sam)) == (0, 0)


def test_a_log_in_as_somebody_else_ends_both(ann, eve, sam):
    client = acting(sam, ann)
    answer = client.post("/log-in/", {"user": eve.pk})
    assert answer.cookies[SECOND].value == ""
    assert seen(client) == (eve.pk, None)
    assert (count_of(ann), count_of(sam)) == (0, 0)


def test_a_log_in_as_the_same_account_prolongs_nothing(clock, ann, sam):
    client = acting(sam, ann)
    before = key_of(client)
    clock.advance(HOUR)
    client.post("/log-in/", {"user": ann.pk})
    assert key_of(client) != before
    assert seen(client) == (ann.pk, sam.pk)
    clock.advance(HOUR + 1)
    assert seen(client) == NOBODY


def test_after_it_was_ended_elsewhere_the_second_cookie_goes(ann, sam):
    client = acting(sam, ann)
    sessions.revoke_all(ann)
    answer = client.get("/who/")
    assert answer.cookies[SECOND].value == ""


def test_a_page_that_reads_no_session_leaves_the_second_cookie(ann, sam):
    client = acting(sam, ann)
    assert SECOND not in client.get("/idle/").cookies
    assert SECOND not in client.get("/who/").cookies


def test_the_end_without_the_second_cookie_is_a_log_out(ann, sam):
    client = acting(sam, ann)
    client.cookies.pop(SECOND)
    answer = end(client)
    assert answer.json() == {"is_logged_in": False}
    assert answer.cookies["sessionid"].value == ""
    assert seen(client) == NOBODY


@pytest.mark.parametrize(
    "tamper",
    [
        lambda value: "",
        lambda value: value[:-4],
        lambda value: ("A" if value[0] != "A" else "B") + value[1:],
        lambda value: "x" * 32,
        lambda value: "\u00e9",
    ],
)
def test_the_end_with_a_changed_second_cookie_is_a_log_out(ann, sam, tamper):
    client = acting(sam, ann)
    client.cookies[SECOND] = tamper(cookie_of(client))
    assert end(client).json() == {"is_logged_in": False}
    assert seen(client) == NOBODY


def test_the_button_leads_to_the_log_in_then(ann, sam):
    client = acting(sam, ann)
    client.cookies.pop(SECOND)
    assert client.post("/impersonation/stop/")["Location"] == "/log-in/"


def test_the_cookies_of_two_operators_cannot_be_swapped(ann, eve, sam):
    tom = make_operator("tom")
    first, second = acting(sam, ann), acting(tom, eve)
    own, other = cookie_of(first), cookie_of(second)
    first.cookies[SECOND], second.cookies[SECOND] = other, own
    for client in (first, second):
        assert end(client).json() == {"is_logged_in": False}
        assert seen(client) == NOBODY


def test_the_cookie_of_the_time_before_does_not_open_again(ann, sam):
    client = acting(sam, ann)
    old = cookie_of(client)
    end(client)
    begin(client, ann)
    client.cookies[SECOND] = old
    assert end(client).json() == {"is_logged_in": False}


def test_the_second_cookie_alone_lets_nobody_in(ann, sam):
    value = cookie_of(acting(sam, ann))
    for client in (
        with_cookies(**{SECOND: value}),
        with_cookies(session=value),
        with_cookies(session=value, **{SECOND: value}),
    ):
        assert seen(client) == NOBODY
        assert end(client).status_code == 401
        assert client.post("/impersonation/stop/")["Location"] == "/who/"
        assert seen(client) == NOBODY


def test_beside_a_session_of_ones_own_it_is_worth_nothing(ann, eve, sam):
    value = cookie_of(acting(sam, ann))
    client = browser(eve)
    client.cookies[SECOND] = value
    assert end(client).status_code == 409
    assert seen(client) == (eve.pk, None)


def test_an_own_session_that_ends_at_that_moment_is_not_taken_up(ann, sam):
    client = acting(sam, ann)
    answer = client.post("/end-late/")
    assert (answer.content, answer.cookies["sessionid"].value) == (b"False", "")
    assert seen(client) == NOBODY


def test_an_own_session_of_a_backend_that_is_gone_is_not_taken_up(ann, sam, site):
    client = acting(sam, ann)
    site.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.RemoteUserBackend"]
    assert client.post("/end/").content == b"False"
    assert client.get("/bare/").content == b""


def test_while_the_store_is_away_the_second_cookie_stays(ann, sam, site):
    site.BT_SECURITY_SESSIONS_WHEN_UNAVAILABLE = "anonymous"
    client = acting(sam, ann)

    def refuse(execute, sql, params, many, context):
        if "bt_security_session" in sql:
            raise OperationalError("the server closed the connection unexpectedly")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        answer = client.get("/plain/")
    assert (answer.content, SECOND in answer.cookies) == (b"None", False)
    assert seen(client) == (ann.pk, sam.pk)


def test_the_middleware_may_stand_there_twice(ann, sam, site):
    site.MIDDLEWARE = [*site.MIDDLEWARE, "bt_security.middleware.AccountMiddleware"]
    assert seen(acting(sam, ann)) == (ann.pk, sam.pk)


@pytest.mark.parametrize("path", ["/secret/", "/secret-later/"])
def test_what_is_for_the_owner_alone_is_refused(events, ann, sam, path):
    client = acting(sam, ann)
    page = client.get(path)
    assert page.status_code == 403
    answer = client.get(path, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (403, "NOT_WHILE_IMPERSONATING")
    refusals = [event for event in events if event.action == "impersonation.refused"]
    assert [event.route for event in refusals] == [path[1:], path[1:]]
    for owner in (browser(ann), browser(sam), Client()):
        assert owner.get(path).content == b"secret"


def test_credentials_are_for_the_owner_alone(ann, sam):
    own, client = browser(ann), acting(sam, ann)
    token = own.post("/api/tokens", {"name": "mine"}, content_type="application/json").json()
    for path in ("/api/tokens", f"/api/tokens/{token['id']}/rotate", "/api/sessions/revoke-others"):
        answer = client.post(path, {"name": "theirs"}, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (403, "NOT_WHILE_IMPERSONATING")
    assert seen(own) == (ann.pk, None)
