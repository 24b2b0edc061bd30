"""What tests of alerts share: the site, strangers and their mails."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import mail
from django.db.models.signals import post_save, pre_save
from django.test import RequestFactory
from django.utils import timezone

from bt_security.models import LoginEvent, LoginOutcome
from bt_security.passwords import restriction
from tests.history.conftest import FIREFOX, browser, log_in, only_event
from tests.history.site import MIDDLEWARE

LIMITED = "bt_security.ratelimit.LimitedBackend"
MODEL = "django.contrib.auth.backends.ModelBackend"
STRANGER = {"HTTP_USER_AGENT": "canary-agent/7 Chrome/150.0 Windows", "REMOTE_ADDR": "203.0.113.99"}
_LINK = re.compile(r"https?://\S+")


@pytest.fixture
def alert_site(sealed_sessions):
    """The site, with every feature that "this was not me" makes use of."""
    settings = sealed_sessions
    settings.BT_SECURITY_FEATURES = ["sessions", "history", "passwords", "accounts"]
    settings.ROOT_URLCONF = "tests.history.alert_site"
    settings.AUTHENTICATION_BACKENDS = [LIMITED, MODEL]
    settings.MIDDLEWARE = list(MIDDLEWARE)
    settings.TIME_ZONE = "UTC"
    settings.LOGIN_URL = "bt_security:login"
    settings.LOGIN_REDIRECT_URL = "/page"
    settings.BT_SECURITY_PASSWORDS_CHANGE_URL = "bt_security:password"
    before = {signal: list(signal.receivers) for signal in (pre_save, post_save)}
    restriction.connect()
    yield settings
    for signal, connected in before.items():
        signal.receivers[:] = connected
        signal.sender_receivers_cache.clear()


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """Give a function that calls another one, and then commits."""

    def run(function, *args, **kwargs):
        with django_capture_on_commit_callbacks(execute=True):
            return function(*args, **kwargs)

    return run


@pytest.fixture
def owner(alert_site, user, committed):
    """The owner's browser, logged in: the first that the account has."""
    client = browser()
    committed(log_in, client, user)
    assert mail.outbox == []
    return client


@pytest.fixture
def stranger(owner, user, committed):
    """Another browser, logged in with the same password."""
    client = browser(**STRANGER)
    committed(log_in, client, user)
    return client


@pytest.fixture
def link(stranger):
    """The link in the mail about the stranger."""
    return link_in(only_mail())


def only_mail():
    (sent,) = mail.outbox
    return sent


def link_in(sent):
    (link,) = _LINK.findall(sent.body)
    return link


def page_in(sent):
    return sent.alternatives[0][0]


def token_of(link):
    return parse_qs(urlsplit(link).query)["token"][0]


def path_of(link):
    return link.removeprefix("http://testserver")


def press(client, link, **options):
    """Send the form of the page that a link opens."""
    path, token = urlsplit(link).path, token_of(link)
    return client.post(path, {"token": token}, **options)


def is_in(client):
    return client.get("/page").content != b"page of AnonymousUser"


def event_of(user, **fields):
    """Store an event as a log-in with a new device has it."""
    values = {
        "outcome": LoginOutcome.SUCCESS,
        "happened_at": timezone.now(),
        "is_new_device": True,
        "device_label": "Firefox on Linux",
        **fields,
    }
    return LoginEvent.objects.create(user=user, **values)


def failed_factor(user, **fields):
    return event_of(user, outcome=LoginOutcome.FACTOR_FAILED, is_new_device=False, **fields)


def request_of(**meta):
    return RequestFactory().post("/", HTTP_USER_AGENT=FIREFOX, **meta)


def strangers_event():
    return only_event(is_new_device=True, device_label="Chrome on Windows")
