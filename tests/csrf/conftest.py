"""A site whose changing requests are protected."""

from __future__ import annotations

import pytest
from django.test import Client

from bt_security.signals import security_event
from bt_security.testing import CsrfClient

MIDDLEWARE = [
    "bt_security.middleware.EdgeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]


@pytest.fixture
def site(settings):
    settings.ROOT_URLCONF = "tests.csrf.site"
    settings.MIDDLEWARE = list(MIDDLEWARE)
    settings.BT_SECURITY_FEATURES = ["csrf"]
    settings.CSRF_FAILURE_VIEW = "bt_security.csrf.failure"
    settings.CSRF_COOKIE_NAME = "bt_csrf_token"
    settings.CSRF_COOKIE_HTTPONLY = True
    settings.CSRF_COOKIE_SAMESITE = "Strict"
    return settings


@pytest.fixture
def visitor(site):
    """A client without a token."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def program(site):
    """A client that fetches and sends the token."""
    return CsrfClient()


@pytest.fixture
def events():
    """What was reported during the test."""
    heard = []

    def hear(sender, signal, **event):
        heard.append(event)

    security_event.connect(hear)
    yield heard
    security_event.disconnect(hear)
