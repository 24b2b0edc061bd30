"""The sessions on the page of the own log-ins, and the button that ends one."""

from __future__ import annotations

import re
import uuid

import pytest
from django.test import Client

from bt_security import sessions
from bt_security.models import LoginEvent
from bt_security.testing import CsrfClient
from tests.history.conftest import make_user
from tests.history.reading import PAGE, acting, browser, mary, session_of, shown, site, stored

__all__ = ["mary", "site"]

pytestmark = [pytest.mark.once, pytest.mark.django_db]


def end(client, public_id, **data):
    return client.post(f"{PAGE}end-session/{public_id}/", data)


def test_live_sessions_have_badges_and_others_a_button(mary):
    client, other = Client(), Client()
    for one in (client, other):
        one.force_login(mary)
    page = shown(client)
    assert page.count("This session") == 1
    assert page.count(">Active</span>") == 1
    assert f"end-session/{session_of(other)}/" in page
    assert f"end-session/{session_of(client)}/" not in page


def test_the_button_ends_the_session_and_leads_back(mary):
    client, other = Client(), Client()
    for one in (client, other):
        one.force_login(mary)
    back = f"{PAGE}?outcome=success"
    answer = end(client, session_of(other), next=back)
    assert (answer.status_code, answer["Location"]) == (302, back)
    assert other.get(PAGE).status_code == 302
    page = client.get(back).content.decode()
    assert "The session is over." in page
    assert (">Active</span>" in page, ">Over</span>" in page) == (False, True)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "http:evil.example",
        "javascript:alert(1)",
        "\x01//evil.example",
        "",
    ],
)
def test_the_button_never_leads_to_another_site(mary, target):
    client, other = browser(mary), browser(mary)
    answer = end(client, session_of(other), next=target)
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    answer = client.post(f"{PAGE}end-session/{uuid.uuid4()}/?next={target}")
    assert answer["Location"] == PAGE


def test_a_session_of_somebody_else_is_not_ended(mary):
    theirs, client = browser(make_user("bob")), browser(mary)
    end(client, session_of(theirs))
    assert theirs.get(PAGE).status_code == 200
    assert "There is no such session any more." in shown(client)


def test_who_ends_the_own_session_is_logged_out(mary):
    client = browser(mary)
    assert end(client, session_of(client))["Location"] == PAGE
    assert client.get(PAGE).status_code == 302
    assert sessions.for_user(mary) == []


def test_a_session_is_ended_by_post_alone(mary):
    client, other = browser(mary), browser(mary)
    path = f"{PAGE}end-session/{session_of(other)}/"
    assert [client.get(path).status_code, client.head(path).status_code] == [405, 405]
    assert other.get(PAGE).status_code == 200


def test_a_stranger_ends_nothing(mary):
    other = browser(mary)
    answer = end(Client(), session_of(other))
    assert answer["Location"].startswith("/log-in/")
    assert other.get(PAGE).status_code == 200


def test_the_button_needs_the_csrf_token(mary, site):
    csrf = "django.middleware.csrf.CsrfViewMiddleware"
    for middleware in (site.MIDDLEWARE, [name for name in site.MIDDLEWARE if name != csrf]):
        site.MIDDLEWARE = middleware
        client, other = browser(mary, enforce_csrf_checks=True), browser(mary)
        assert end(client, session_of(other)).status_code == 403
        assert other.get(PAGE).status_code == 200
        token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', shown_with_button(client, mary))[1]
        assert end(client, session_of(other), csrfmiddlewaretoken=token).status_code == 302
        assert other.get(PAGE).status_code == 302


def shown_with_button(client, user):
    LoginEvent.objects.filter(user=user).delete()
    stored(user, session_uuid=session_of(browser(user)))
    return shown(client)


def test_endings_are_limited(mary, site):
    site.BT_SECURITY_RATELIMIT_OPERATIONS = {"session_admin": "1/15m:user"}
    client = browser(mary)
    assert end(client, uuid.uuid4()).status_code == 302
    assert end(client, uuid.uuid4()).status_code == 429


def test_a_site_without_messages_works(mary, site):
    site.MIDDLEWARE = [name for name in site.MIDDLEWARE if "messages" not in name]
    client, other = browser(mary), browser(mary)
    assert end(client, session_of(other)).status_code == 302
    assert end(client, uuid.uuid4()).status_code == 302


def test_without_our_sessions_there_is_no_button(history_on, user):
    history_on.ROOT_URLCONF = "tests.history.reading_site"
    client = Client()
    client.force_login(user)
    page = shown(client)
    assert "Logged in" in page
    assert '<form method="post"' not in page


def test_a_client_of_the_test_suite_of_a_site_can_press_the_button(mary):
    other = browser(mary)
    client = CsrfClient()
    client.force_login(mary)
    assert end(client, session_of(other)).status_code == 302
    assert other.get(PAGE).status_code == 302


def test_who_acts_as_the_owner_ends_nothing_here(mary, site):
    own = browser(mary)
    assert end(acting(mary, site), session_of(own)).status_code == 403
    assert own.get(PAGE).status_code == 200
