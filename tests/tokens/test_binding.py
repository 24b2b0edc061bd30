"""What kills a token: a changed account, another browser."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory

from bt_security import tokens
from bt_security.tokens import Purpose
from tests.testapp.models import Account
from tests.tokens.conftest import refusal_of

pytestmark = pytest.mark.django_db

once = pytest.mark.once


def change_password(user):
    user.set_password("another password")
    user.save()


CHANGES = {
    "account_changed": [
        change_password,
        lambda user: Account.objects.filter(pk=user.pk).update(email="ann@example.org"),
        lambda user: (user.set_unusable_password(), user.save()),
    ],
    "account_inactive": [lambda user: Account.objects.filter(pk=user.pk).update(is_active=False)],
    "account_gone": [lambda user: Account.objects.filter(pk=user.pk).delete()],
}
PAIRS = [(change, reason) for reason, changes in CHANGES.items() for change in changes]


@once
@pytest.mark.feature("BD-09")
@pytest.mark.parametrize(("change", "reason"), PAIRS)
def test_a_changed_account_kills_its_tokens(ann, change, reason):
    """Tokens of an account end with its password, address, activity or deletion."""
    token = tokens.issue("password_reset", ann)
    claim = tokens.peek("password_reset", token)
    change(ann)
    assert refusal_of("password_reset", token) == reason
    with pytest.raises(tokens.TokenRefused) as caught:
        claim.consume()
    assert caught.value.reason == reason


@once
@pytest.mark.parametrize("change", CHANGES["account_changed"])
def test_what_warns_of_a_stranger_outlives_what_the_stranger_does_first(ann, change):
    token = tokens.issue("login_alert", ann)
    claim = tokens.peek("login_alert", token)
    change(ann)
    assert tokens.peek("login_alert", token).user == ann
    claim.consume()
    assert refusal_of("login_alert", token) == "used"


@once
@pytest.mark.parametrize("reason", ["account_inactive", "account_gone"])
def test_a_warning_ends_with_the_account(ann, reason):
    token = tokens.issue("login_alert", ann)
    (change,) = CHANGES[reason]
    change(ann)
    assert refusal_of("login_alert", token) == reason


@once
def test_a_reset_ends_every_other_reset_link(ann):
    first, second = (tokens.issue("password_reset", ann) for _ in range(2))
    with tokens.peek("password_reset", first).consuming():
        change_password(ann)
    assert refusal_of("password_reset", second) == "account_changed"


@once
def test_another_spelling_of_the_address_changes_nothing(ann):
    token = tokens.issue("password_reset", ann)
    Account.objects.filter(pk=ann.pk).update(email="ANN@example.com")
    assert tokens.peek("password_reset", token)


@once
def test_a_log_in_changes_nothing(client, ann):
    token = tokens.issue("password_reset", ann)
    client.force_login(ann)
    assert tokens.peek("password_reset", token)


@once
def test_the_token_of_a_user_does_nothing_for_another(ann, eve):
    assert tokens.redeem("password_reset", tokens.issue("password_reset", ann)).user == ann
    assert tokens.peek("password_reset", tokens.issue("password_reset", eve)).user == eve


@once
def test_a_subject_that_is_no_key_of_the_user_model_is_refused():
    stranger = User(pk=7)
    stranger.pk = "not-a-number"
    assert refusal_of("password_reset", tokens.issue("password_reset", stranger)) == "account_gone"


@once
def test_a_user_model_without_address_is_bound_to_the_password(ann):
    bare = Account(pk=ann.pk, password=ann.password, email="")
    assert refusal_of("password_reset", tokens.issue("password_reset", bare)) == "account_changed"


@once
def test_an_account_becomes_active_by_a_purpose_that_allows_it(purposes, ann):
    tokens.register(
        Purpose(name="activate", lifetime_seconds=3600, acts_on_account=True, allows_inactive=True)
    )
    Account.objects.filter(pk=ann.pk).update(is_active=False)
    assert tokens.redeem("activate", tokens.issue("activate", ann)).user == ann


@pytest.mark.django_db(transaction=True)
def test_two_links_used_at_once_set_one_password(ann):
    links = [tokens.issue("password_reset", ann) for _ in range(2)]
    start = Barrier(2)

    def reset(number):
        try:
            claim = tokens.peek("password_reset", links[number])
            start.wait()
            with claim.consuming():
                user = claim.user
                user.set_password(f"password {number}")
                user.save()
        except tokens.TokenRefused:
            return None
        finally:
            connection.close()
        return f"password {number}"

    with ThreadPoolExecutor(2) as pool:
        (winner,) = [password for password in pool.map(reset, range(2)) if password]
    ann.refresh_from_db()
    assert ann.check_password(winner)


@once
@pytest.mark.feature("TC-22")
def test_a_magic_link_is_good_in_its_own_browser_only(ann, browser):
    """A log-in link completes once, within its lifetime, and only in the browser that asked."""
    token = tokens.issue("magic_link", ann, browser=tokens.this_browser(browser))
    stranger = RequestFactory().get("/")
    assert refusal_of("magic_link", token, request=stranger) == "browser"
    stranger.COOKIES["bt_link"] = tokens.this_browser(RequestFactory().get("/"))
    assert refusal_of("magic_link", token, request=stranger) == "browser"
    assert tokens.redeem("magic_link", token, request=browser).user == ann
    assert refusal_of("magic_link", token, request=browser) == "used"


@once
@pytest.mark.parametrize("value", ["", "x", "a" * 44, "ä" * 43])
def test_a_malformed_cookie_is_no_browser(ann, browser, value):
    token = tokens.issue("magic_link", ann, browser=tokens.this_browser(browser))
    browser.COOKIES["bt_link"] = value
    assert refusal_of("magic_link", token, request=browser) == "browser"
    assert tokens.this_browser(browser) != value


@once
def test_a_link_that_needs_a_browser_cannot_be_used_without_one(ann):
    with pytest.raises(ValueError, match="browser=this_browser"):
        tokens.issue("magic_link", ann)
    with pytest.raises(TypeError, match="request=request"):
        tokens.peek("magic_link", "a.b")


@once
@pytest.mark.parametrize(
    ("always", "secure", "name"),
    [(True, True, "__Host-bt_link"), (True, False, "__Host-bt_link"), (False, True, "bt_link")],
)
def test_the_cookie_is_for_this_host_and_short_lived(settings, always, secure, name):
    settings.SESSION_COOKIE_SECURE = always
    request, response = RequestFactory().get("/", secure=secure), HttpResponse()
    value = tokens.this_browser(request)
    tokens.remember_browser(request, response)
    cookie = response.cookies[name]
    assert cookie.value == value
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert (cookie["max-age"], cookie["secure"], cookie["domain"]) == (900, True, "")


@once
def test_the_cookie_is_not_secure_on_plain_http():
    request, response = RequestFactory().get("/"), HttpResponse()
    tokens.remember_browser(request, response)
    assert response.cookies["bt_link"]["secure"] == ""


@once
def test_a_purpose_is_registered_once(purposes):
    own = Purpose(name="join_club", lifetime_seconds=3600)
    assert tokens.register(own) is tokens.register(own)
    with pytest.raises(ImproperlyConfigured, match="defined twice"):
        tokens.register(Purpose(name="join_club", lifetime_seconds=7200))
    with pytest.raises(ImproperlyConfigured, match="defined twice"):
        tokens.register(Purpose(name="invite", lifetime_seconds=7200))


@once
@pytest.mark.parametrize(
    "values",
    [
        {"name": "Join"},
        {"name": ""},
        {"name": "a" * 41},
        {"name": "join", "lifetime_seconds": 59},
        {"name": "join", "lifetime_seconds": 367 * 86_400},
        {"name": "join", "max_uses": 0},
        {"name": "join", "max_uses": 101},
    ],
)
def test_a_malformed_purpose_is_refused(values):
    with pytest.raises(ValueError, match="purpose"):
        Purpose(**{"lifetime_seconds": 3600, **values})
