"""Browsers of operators, and what they see."""

from __future__ import annotations

from django.conf import settings
from django.test import Client

from bt_security import sessions

PATH = "/api/impersonation"
SECOND = "bt_operator_session"
JSON = "application/json"


def browser(user, **options):
    client = Client(**options)
    client.force_login(user)
    return client


def begin(client, user, reason="ticket 7", **more):
    """Ask to act as a user."""
    body = {"user": str(user.pk), "reason": reason}
    return client.post(PATH, body, content_type=JSON, **more)


def acting(operator, user):
    """A browser in which the operator acts as the user."""
    client = browser(operator)
    assert begin(client, user).status_code == 200
    return client


def end(client):
    return client.delete(PATH)


def seen(client):
    """Return whom a page sees: the user, and who acts."""
    found = client.get("/who/").json()
    return found["user"], found["operator"]


NOBODY = (None, None)


def cookie_of(client, name=SECOND):
    return client.cookies[name].value


def key_of(client):
    return cookie_of(client, settings.SESSION_COOKIE_NAME)


def with_cookies(**cookies):
    """A browser that has these cookies and no others; `session` is that of the session."""
    client = Client()
    for name, value in cookies.items():
        client.cookies[settings.SESSION_COOKIE_NAME if name == "session" else name] = value
    return client


def count_of(user):
    return len(sessions.for_user(user))
