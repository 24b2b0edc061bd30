"""The package's own page and API record a log-in as any other view does, on both stacks."""

from __future__ import annotations

from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from bt_security.models import LoginOutcome, Session
from tests.accounts.log_in_site import LIMITED, MODEL
from tests.history.conftest import FIREFOX, browser, log_in, only_event, post_json

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("own_site")]

PAGE = "/security/account/login/"
API = "/security/api/auth/login"


@pytest.fixture
def own_site(sealed_sessions):
    sealed_sessions.BT_SECURITY_FEATURES = [
        *("sessions", "ratelimit", "csrf", "accounts", "history")
    ]
    sealed_sessions.ROOT_URLCONF = "tests.accounts.log_in_site"
    sealed_sessions.AUTHENTICATION_BACKENDS = [LIMITED, MODEL]
    sealed_sessions.CSRF_FAILURE_VIEW = "bt_security.csrf.failure"
    sealed_sessions.LOGIN_REDIRECT_URL = "/welcome"
    sealed_sessions.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": uuid4().hex,
        }
    }


def send(path, user, password, *, is_async):
    """Log in at a path of ours, through the handler of either stack."""
    if not is_async:
        client = browser()
        if path == PAGE:
            return log_in(client, user, password, path=path)
        return post_json(client, path, user, password)
    client, headers = AsyncClient(), {"user-agent": FIREFOX}

    async def run():
        if path == PAGE:
            return await log_in(client, user, password, path=path, headers=headers)
        return await post_json(client, path, user, password, headers=headers)

    return async_to_sync(run)()


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(("path", "status"), [(PAGE, 302), (API, 200)])
def test_a_log_in(user, path, status, is_async):
    assert send(path, user, "Correct-horse-7", is_async=is_async).status_code == status
    event = only_event()
    assert (event.user, event.outcome) == (user, LoginOutcome.SUCCESS)
    assert (event.method, event.is_new_device) == ("password", True)
    assert event.session_uuid == Session.objects.get().uuid


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(("path", "status"), [(PAGE, 200), (API, 401)])
def test_a_wrong_password(user, path, status, is_async):
    assert send(path, user, "wrong", is_async=is_async).status_code == status
    event = only_event()
    assert (event.user, event.outcome) == (user, LoginOutcome.FAILURE)


@pytest.mark.parametrize("path", [PAGE, API])
def test_an_unknown_name(path):
    send(path, "nobody@example.com", "wrong", is_async=False)
    event = only_event()
    assert (event.user, event.outcome) == (None, LoginOutcome.FAILURE)
    assert event.name_digest
