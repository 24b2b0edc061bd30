"""One request for every operation of the API's document; a new one without it fails a test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.test import Client, RequestFactory

from bt_security.devices import remember
from bt_security.history.recording import record
from bt_security.models import LoginOutcome
from bt_security.tokens import api
from tests.testapp.models import Account

NOBODYS_UUID = UUID(int=7)
ANOTHERS_PK = 4711
PASSWORD = "Correct-horse-7"


@dataclass(frozen=True)
class Example:
    """A request, and the status of its answer.

    `prepare(client, user)` makes what the request is about, and gives the parts of its path.
    """

    status: int
    body: dict[str, Any] | None = None
    is_logged_in: bool = True
    prepare: Callable[[Client, Account], dict[str, Any]] = field(default=lambda client, user: {})


def nobodys(client, user):
    """Give parts of a path that lead to nothing."""
    return {"uuid": NOBODYS_UUID}


def own_session(client, user):
    """Give the public id of the client's own session."""
    (session,) = [one for one in client.get("/bt/api/sessions").json() if one["is_current"]]
    return {"uuid": session["id"]}


def own_device(client, user):
    return {"uuid": remember(RequestFactory().get("/"), HttpResponse(), user).uuid}


def own_token(client, user):
    return {"uuid": api.issue(user, "script").token.uuid}


def another_device(client, user):
    other = Account.objects.create_user("bob")
    return own_device(client, other)


def staff(client, user):
    """Log somebody in who may read the log and act as others."""
    client.force_login(Account.objects.create_superuser(f"admin-{Account.objects.count()}"))
    return {}


def staff_and_another(client, user):
    Account.objects.create_user("cid", pk=ANOTHERS_PK)
    return staff(client, user)


def acting_staff(client, user):
    staff(client, user)
    body = {"user": str(user.pk), "reason": "ticket 7"}
    began = client.post("/bt/api/impersonation", body, content_type="application/json")
    assert began.status_code == 200
    return {}


def with_password(client, user):
    user.set_password(PASSWORD)
    user.save()
    return {}


def log_ins(client, user):
    """Record one of each outcome, from a browser that is new."""
    request = RequestFactory().get("/", REMOTE_ADDR="198.51.100.7", HTTP_USER_AGENT="Firefox")
    remember(request, HttpResponse(), user)
    request.session = client.session
    for outcome in LoginOutcome:
        assert record(user=user, outcome=outcome, request=request) is not None
    return {}


EXAMPLES: dict[str, list[Example]] = {
    "get_openapi": [Example(200, is_logged_in=False)],
    "get_me": [Example(200), Example(200, is_logged_in=False)],
    "get_csrf_token": [Example(200, is_logged_in=False)],
    "post_logout": [Example(204)],
    "get_sessions": [Example(200)],
    "delete_session": [Example(404, prepare=nobodys), Example(204, prepare=own_session)],
    "post_sessions_revoke_others": [Example(200)],
    "get_devices": [Example(200), Example(200, prepare=own_device)],
    "get_api_tokens": [Example(200), Example(200, prepare=own_token)],
    "post_api_tokens": [Example(201, body={"name": "script"})],
    "delete_api_token": [Example(404, prepare=nobodys), Example(204, prepare=own_token)],
    "post_api_token_rotation": [Example(404, prepare=nobodys), Example(201, prepare=own_token)],
    "delete_device": [
        Example(404, prepare=nobodys),
        Example(404, prepare=another_device),
        Example(204, prepare=own_device),
    ],
    "post_api_login": [
        Example(
            200,
            body={"username": "ann", "password": PASSWORD},
            is_logged_in=False,
            prepare=with_password,
        ),
        Example(401, body={"username": "ann", "password": "wrong"}, is_logged_in=False),
        Example(400, body={"username": "ann"}, is_logged_in=False),
    ],
    "get_login_history": [Example(200), Example(200, prepare=log_ins)],
    "get_login_history_export": [Example(200, prepare=log_ins)],
    "get_profile_settings": [Example(200)],
    "patch_profile_settings": [
        Example(200, body={"geolocation_enabled": True}),
        Example(200, body={}),
        Example(400, body={"geolocation_enabled": None}),
    ],
    "delete_login_locations": [Example(200, prepare=log_ins)],
    "get_audit_log": [Example(403), Example(200, prepare=staff)],
    "post_impersonation": [
        Example(403, body={"user": str(ANOTHERS_PK), "reason": "ticket 7"}),
        Example(
            200,
            body={"user": str(ANOTHERS_PK), "reason": "ticket 7"},
            prepare=staff_and_another,
        ),
    ],
    "delete_impersonation": [Example(409), Example(200, prepare=acting_staff)],
}

PAGES = {
    "csp-report": "what browsers send there has a format of its own, and no program calls it",
    "impersonation/stop/": "the button of the banner; programs delete `api/impersonation`",
    "account/login/": "the page of `api/auth/login`",
    "account/logout/": "the page of `api/auth/logout`",
    "account/password/": "for people; it sends no JSON",
    "account/password/done/": "for people, after the change",
    "account/login-history/": "the page of `api/profile/login-history`",
    "account/login-history/summary/": "charts of the same",
    "account/login-history/end-session/<uuid:uuid>/": "its button; programs use `api/sessions`",
    "account/privacy/": "the page of `api/profile/settings`",
    "account/not-me/": "the page that a link in a mail opens",
    "account/not-me/done/": "what that page goes on to",
}
"""Routes outside `api/`, which the document leaves out, and why."""
