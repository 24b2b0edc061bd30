"""Who may not act as whom."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import Client, RequestFactory

from bt_security.accounts import impersonation
from bt_security.exceptions import ImpersonationRefused
from bt_security.tokens import api
from tests.accounts.conftest import make_operator
from tests.accounts.impersonating import (
    JSON,
    PATH,
    SECOND,
    acting,
    begin,
    browser,
    count_of,
    seen,
)
from tests.testapp.models import Account

pytestmark = [pytest.mark.once, pytest.mark.django_db, pytest.mark.usefixtures("site")]


def refused(log, client, user, **more):
    """Try, and return the reason that is recorded for the one answer there is."""
    before = seen(client)
    answer = begin(client, user, **more)
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    assert SECOND not in answer.cookies
    assert seen(client) == before
    return log.only(action="impersonation.refused").reason


def test_strangers_are_not_asked_whom(ann):
    answer = begin(Client(), ann)
    assert (answer.status_code, answer.json()["code"]) == (401, "NOT_AUTHENTICATED")


def test_a_user_is_refused(log, ann, eve):
    assert refused(log, browser(eve), ann) == "operator_not_staff"


def test_staff_without_the_permission_are_refused(log, ann):
    staff = Account.objects.create_user("joe@example.com", "x", is_staff=True)
    assert refused(log, browser(staff), ann) == "permission_missing"


def test_the_permission_without_staff_is_not_enough(log, ann, sam):
    Account.objects.filter(pk=sam.pk).update(is_staff=False)
    sam.refresh_from_db()
    assert refused(log, browser(sam), ann) == "operator_not_staff"


@pytest.mark.feature("BD-26")
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"is_staff": True}, "staff"),
        ({"is_superuser": True}, "superuser"),
        ({"is_active": False}, "inactive"),
    ],
)
def test_accounts_that_nobody_may_act_as(log, ann, sam, fields, reason):
    """Nobody acts as staff, as a superuser or as an inactive account; each attempt is recorded."""
    Account.objects.filter(pk=ann.pk).update(**fields)
    assert refused(log, browser(sam), ann) == reason
    assert log.only(action="impersonation.refused").target_id == str(ann.pk)


def test_what_the_caller_has_loaded_before_does_not_count(log, ann, sam):
    Account.objects.filter(pk=ann.pk).update(is_staff=True)
    request = request_of(sam)
    with pytest.raises(ImpersonationRefused, match="refused"):
        impersonation.start(request, HttpResponse(), ann, reason="ticket 7")
    assert log.only(action="impersonation.refused").reason == "staff"


def test_nobody_acts_as_oneself(log, sam):
    assert refused(log, browser(sam), sam) == "oneself"


def test_another_operator_is_staff(log, sam):
    assert refused(log, browser(sam), make_operator("tom")) == "staff"


def test_an_account_that_no_backend_gives_is_refused(log, ann, sam, settings):
    client = browser(sam)
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.OnlyStaff"]
    request = request_of(sam, client)
    with pytest.raises(ImpersonationRefused):
        impersonation.start(request, HttpResponse(), ann, reason="ticket 7")
    assert log.only(action="impersonation.refused").reason == "hidden"


class OnlyStaff:
    """Knows staff alone, as a site does that hides accounts from the log-in."""

    def get_user(self, pk):
        return Account.objects.filter(pk=pk, is_staff=True).first()

    def has_perm(self, user, permission, obj=None):
        return True


@pytest.mark.parametrize("pk", ["0", "999999", "x", "9" * 60])
def test_an_account_that_is_not_there_is_refused_like_any_other(log, sam, pk):
    answer = browser(sam).post(PATH, {"user": pk, "reason": "ticket"}, content_type=JSON)
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    assert log.only(action="impersonation.refused").reason == "unknown"


def test_who_acts_already_does_not_act_as_a_third(log, ann, eve, sam):
    assert refused(log, acting(sam, ann), eve) == "impersonating_already"


def test_no_session_goes_without_a_reason(log, ann, sam):
    answer = begin(browser(sam), ann, reason=" ")
    assert (answer.status_code, list(answer.json()["fields"])) == (400, ["reason"])
    with pytest.raises(ImpersonationRefused):
        impersonation.start(request_of(sam), HttpResponse(), ann, reason=" ")
    assert log.only(action="impersonation.refused").reason == "no_reason_given"


def test_a_site_without_it_has_no_such_address(settings, ann, sam):
    settings.BT_SECURITY_IMPERSONATION_ENABLED = False
    assert begin(browser(sam), ann).status_code == 404


def test_a_site_without_it_lets_no_code_begin(log, settings, ann, sam):
    settings.BT_SECURITY_IMPERSONATION_ENABLED = False
    with pytest.raises(ImpersonationRefused):
        impersonation.start(request_of(sam), HttpResponse(), ann, reason="ticket 7")
    assert log.only(action="impersonation.refused").reason == "switched_off"


def test_djangos_sessions_cannot_carry_it(log, settings, ann, sam):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    assert refused(log, browser(sam), ann) == "session_engine"


def test_an_api_token_of_an_operator_begins_nothing(log, ann, sam, settings):
    settings.BT_SECURITY_TOKENS_BEARER = True
    secret = api.issue(sam, "script").secret
    headers = {"Authorization": f"Bearer {secret}"}
    assert begin(Client(), ann, headers=headers).status_code == 401


def test_a_user_that_no_session_names_begins_nothing(log, ann, sam):
    request = request_of(sam, Client())
    with pytest.raises(ImpersonationRefused):
        impersonation.start(request, HttpResponse(), ann, reason="ticket 7")
    assert log.only(action="impersonation.refused").reason == "no_session"


def test_a_visitor_begins_nothing(log, ann):
    request = request_of(AnonymousUser(), Client())
    with pytest.raises(ImpersonationRefused):
        impersonation.start(request, HttpResponse(), ann, reason="ticket 7")
    assert log.only(action="impersonation.refused").reason == "no_session"


def test_a_request_without_csrf_token_begins_and_ends_nothing(ann, sam):
    strict = browser(sam, enforce_csrf_checks=True)
    assert begin(strict, ann).status_code == 403
    client = acting(sam, ann)
    client.handler.enforce_csrf_checks = True
    assert client.delete(PATH).status_code == 403
    assert client.post("/impersonation/stop/").status_code == 403
    assert seen(client) == (ann.pk, sam.pk)


def test_a_get_begins_and_ends_nothing(ann, sam):
    client = acting(sam, ann)
    assert client.get(PATH, {"user": ann.pk, "reason": "x"}).status_code == 405
    assert client.get("/impersonation/stop/").status_code == 405
    assert seen(client) == (ann.pk, sam.pk)


def test_too_many_attempts_are_refused(settings, ann, eve, sam):
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"admin_action": "1/1m:ip"}
    client = browser(sam)
    assert begin(client, sam).status_code == 403
    assert begin(client, ann).status_code == 429
    assert count_of(ann) == 0


def request_of(user, client=None):
    """A request of a browser in which a user has logged in."""
    client = browser(user) if client is None else client
    request = RequestFactory().post("/")
    request.session, request.user = client.session, user
    return request
