"""The page behind "this was not me": what its button does, and who may press it."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.core import mail
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.utils import timezone

from bt_security import devices, tokens
from bt_security.history import record_factor_failed
from bt_security.models import Device, FeedToken, LoginEvent, Session, TemporaryPassword, UsedToken
from bt_security.passwords import issue_temporary_password
from tests.audit.conftest import audit_on, log
from tests.history.alerting import (
    STRANGER,
    alert_site,
    committed,
    is_in,
    link,
    link_in,
    only_mail,
    owner,
    path_of,
    press,
    request_of,
    stranger,
    strangers_event,
    token_of,
)
from tests.history.conftest import PASSWORD, browser, log_in, only_event

__all__ = ["alert_site", "audit_on", "committed", "link", "log", "owner", "stranger"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("alert_site")]
DONE = "/own/account/not-me/done/"
CHANGE = "/own/account/password/"
NEW = "Another-staple-8"


def is_untouched(stranger):
    return (
        is_in(stranger)
        and strangers_event().disowned_at is None
        and not UsedToken.objects.exists()
        and not Device.objects.exclude(revoked_at=None).exists()
        and not TemporaryPassword.objects.exists()
    )


def reason_of(token):
    with pytest.raises(tokens.TokenRefused) as caught:
        tokens.peek("login_alert", token)
    return caught.value.reason


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_opening_the_link_changes_nothing(stranger, link, client, method):
    for _ in range(3):
        assert getattr(client, method)(path_of(link)).status_code == 200
    assert is_untouched(stranger)


def test_the_page_asks(link, client):
    answer = client.get(path_of(link))
    assert "press the button. The account is then logged out everywhere" in answer.text
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "strict-origin"


def test_a_form_without_a_csrf_token_changes_nothing(stranger, link):
    assert press(Client(enforce_csrf_checks=True), link).status_code == 403
    assert is_untouched(stranger)


def test_the_form_of_the_page_is_taken(stranger, link):
    client = Client(enforce_csrf_checks=True)
    client.get(path_of(link))
    secret = client.cookies["csrftoken"].value
    answer = press(client, link, headers={"X-CSRFToken": secret})
    assert (answer.status_code, answer["Location"]) == (302, DONE)
    assert not is_in(stranger)


def test_the_button_ends_all_sessions_of_the_account(owner, stranger, link, client):
    assert is_in(owner)
    assert is_in(stranger)
    press(client, link)
    assert not is_in(stranger)
    assert not is_in(owner)


def test_other_accounts_are_left_alone(stranger, link, client, staff, committed):
    other = browser()
    committed(log_in, other, staff)
    press(client, link)
    assert is_in(other)
    assert not TemporaryPassword.objects.exclude(user=strangers_event().user).exists()


def test_the_browser_of_the_log_in_is_not_known_any_more(stranger, link, client, user):
    device = strangers_event().device
    devices.trust(device)
    press(client, link)
    device.refresh_from_db()
    assert device.revoked_at is not None
    assert device.trusted_until is None
    assert [known.label for known in devices.for_user(user)] == ["Firefox on Linux"]


def test_other_browsers_that_came_later_are_not_known_any_more(
    stranger, link, client, user, committed
):
    committed(log_in, browser(HTTP_USER_AGENT="Safari/1 iPhone"), user)
    press(client, link)
    assert [known.label for known in devices.for_user(user)] == ["Firefox on Linux"]


def test_what_was_made_since_to_get_in_without_a_password_ends(
    owner, user, staff, committed, client
):
    kept = [tokens.api.issue(user, name="of the owner").token, issue_rotated(user)]
    tokens.feeds.issue(user, "bills")
    committed(log_in, browser(**STRANGER), user)
    made = tokens.api.issue(user, name="of the stranger").token
    tokens.api.rotate(kept.pop())
    tokens.feeds.issue(user, "calendar")
    others = tokens.api.issue(staff, name="of somebody else").token
    press(client, link_in(only_mail()))
    assert tokens.api.for_user(user) == kept
    assert tokens.api.for_user(staff) == [others]
    assert tokens.feeds.is_issued(user, "bills")
    assert not tokens.feeds.is_issued(user, "calendar")
    made.refresh_from_db()
    assert made.revoked_at is not None


def issue_rotated(user):
    return tokens.api.rotate(tokens.api.issue(user, name="rotated").token).token


def test_an_event_that_is_gone_is_taken_to_be_a_week_old(stranger, link, client, user):
    tokens.feeds.issue(user, "bills")
    LoginEvent.objects.all().delete()
    FeedToken.objects.create(
        user=user, feed="old", digest="x", created_at=timezone.now() - timedelta(days=8)
    )
    press(client, link)
    assert tokens.feeds.is_issued(user, "old")
    assert not tokens.feeds.is_issued(user, "bills")


def test_the_event_is_marked_and_no_other(stranger, link, client):
    press(client, link)
    assert strangers_event().disowned_at is not None
    assert LoginEvent.objects.exclude(disowned_at=None).count() == 1


def test_the_next_log_in_leads_to_the_change_of_the_password(link, client, user, committed):
    press(client, link)
    committed(log_in, client, user)
    assert client.get("/page")["Location"] == CHANGE
    typed = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert client.post(CHANGE, typed).status_code == 302
    assert client.get("/page").status_code == 200


def test_whoever_knows_the_password_is_led_there_too_and_mailed_about(
    stranger, link, client, user, committed
):
    press(client, link)
    mail.outbox.clear()
    committed(log_in, stranger, user)
    assert stranger.get("/page")["Location"] == CHANGE
    assert link_in(only_mail()) != link


@pytest.fixture
def audited(request, alert_site):
    """The log of the site's audit log, which is on as well."""
    features = alert_site.BT_SECURITY_FEATURES
    log = request.getfixturevalue("log")
    alert_site.BT_SECURITY_FEATURES = [*features, "audit"]
    return log


def test_it_is_recorded(audited, stranger, link, client, user):
    press(client, link)
    entry = audited.only(action="history.disowned")
    assert entry.target_id == str(user.pk)
    assert entry.body == {
        "event": str(strangers_event().uid),
        "sessions_ended": 2,
        "browsers_forgotten": 1,
        "tokens_ended": 0,
        "password_change": True,
    }
    assert {"tokens.redeemed", "device.revoked", "session.ended"} <= set(audited.actions())


def test_the_link_is_good_once(link, client, stranger, user, committed):
    assert press(client, link).status_code == 302
    committed(log_in, stranger, user)
    for answer in (press(client, link), client.get(path_of(link))):
        assert answer.status_code == 400
        assert "change your password now" in answer.text
        assert "<form" not in answer.text
    assert stranger.get("/page")["Location"] == CHANGE
    assert reason_of(token_of(link)) == "used"


@pytest.mark.django_db(transaction=True)
def test_of_two_that_press_at_once_one_acts(link, stranger):
    start = Barrier(2)

    def run(_):
        start.wait()
        try:
            return press(Client(), link).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(run, range(2))) == [302, 400]
    assert not is_in(stranger)
    assert UsedToken.objects.count() == TemporaryPassword.objects.count() == 1


def test_a_link_is_refused_after_a_week(stranger, link, client, monkeypatch):
    late = timezone.now() + timedelta(days=7, seconds=1)
    with monkeypatch.context() as later:
        later.setattr(timezone, "now", lambda: late)
        assert press(client, link).status_code == 400
        assert reason_of(token_of(link)) == "expired"
    assert is_untouched(stranger)


@pytest.mark.parametrize("purpose", ["password_reset", "email_verification"])
def test_links_for_something_else_are_refused(stranger, link, user, client, purpose):
    token = tokens.issue(purpose, user, data={"event": str(strangers_event().uid)})
    assert press(client, f"{path_of(link).partition('?')[0]}?token={token}").status_code == 400
    assert is_untouched(stranger)


def test_a_link_of_somebody_else_reaches_only_their_own_account(stranger, link, client, staff):
    token = tokens.issue("login_alert", staff, data={"event": str(strangers_event().uid)})
    assert press(client, f"{path_of(link).partition('?')[0]}?token={token}").status_code == 302
    assert is_in(stranger)
    assert strangers_event().disowned_at is None
    assert TemporaryPassword.objects.get().user == staff


def test_it_works_after_the_stranger_has_changed_password_and_address(stranger, link, client, user):
    user.set_password(NEW)
    user.email = "stranger@example.com"
    user.save()
    assert log_in(stranger, user, password=NEW).status_code == 302
    assert press(client, link).status_code == 302
    assert not is_in(stranger)
    log_in(stranger, user, password=NEW)
    assert stranger.get("/page")["Location"] == CHANGE


@pytest.mark.parametrize("change", ["deactivate", "delete"])
def test_it_is_refused_once_the_account_is_closed(stranger, link, client, user, change):
    if change == "delete":
        user.delete()
    else:
        get_user_model().objects.filter(pk=user.pk).update(is_active=False)
    assert press(client, link).status_code == 400
    assert not UsedToken.objects.exists()
    assert not is_in(stranger)


@pytest.mark.parametrize("gone", [LoginEvent, Device, Session])
def test_what_is_pruned_meanwhile_is_not_missed(owner, link, client, gone):
    gone.objects.all().delete()
    assert press(client, link).status_code == 302
    assert not is_in(owner)
    assert TemporaryPassword.objects.count() == 1


def test_a_token_without_an_event_ends_all_the_same(stranger, link, client, user):
    token = tokens.issue("login_alert", user)
    assert press(client, f"{path_of(link).partition('?')[0]}?token={token}").status_code == 302
    assert not is_in(stranger)


def test_who_has_a_temporary_password_may_open_and_press_it(stranger, link, user, committed):
    temporary = issue_temporary_password(user)
    client = browser(**STRANGER)
    committed(log_in, client, user, password=temporary)
    assert client.get("/page")["Location"] == CHANGE
    assert client.get(path_of(link)).status_code == 200
    assert client.get(DONE).status_code == 200
    press(client, link)
    assert not is_in(client)
    assert TemporaryPassword.objects.get().expires_at is not None


def test_it_is_there_where_everything_else_asks_for_a_log_in(alert_site, link, client):
    middleware = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    alert_site.MIDDLEWARE = [*alert_site.MIDDLEWARE, middleware]
    assert client.get("/page").status_code == 302
    assert client.get(path_of(link)).status_code == 200
    assert press(client, link, follow=True).status_code == 200


def test_a_mailed_link_of_a_wrong_factor_does_the_same(owner, user, client, committed):
    committed(record_factor_failed, request_of(), user, method="totp")
    press(client, link_in(only_mail()))
    assert not is_in(owner)
    assert only_event(outcome="factor_failed").disowned_at is not None


def test_too_many_presses_are_limited(alert_site, link):
    caches["default"].clear()
    alert_site.BT_SECURITY_FEATURES = [*alert_site.BT_SECURITY_FEATURES, "ratelimit"]
    alert_site.BT_SECURITY_RATELIMIT_OPERATIONS = {"auth": "2/1h:ip"}
    wrong = f"{path_of(link)}x"
    codes = [press(Client(), wrong).status_code for _ in range(3)]
    assert codes == [400, 400, 429]
    assert Client().get(path_of(link)).status_code == 200


def test_no_log_line_has_the_token(link, client, caplog):
    with caplog.at_level(logging.DEBUG):
        client.get(path_of(link))
        press(client, link)
        press(client, link)
    assert token_of(link) not in caplog.text


def test_a_log_in_that_is_under_way_meanwhile_is_over_as_well(link, user):
    def press_once(**_):
        user_logged_in.disconnect(press_once)
        press(Client(), link)

    user_logged_in.connect(press_once)  # comes last: the session is not stored yet
    thief = browser(**STRANGER)
    assert log_in(thief, user).status_code == 302
    assert not is_in(thief)
