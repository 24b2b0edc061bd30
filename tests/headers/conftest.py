"""A site whose headers are on."""

from __future__ import annotations

import pytest

from bt_security.headers import strict_policy

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
    settings.ROOT_URLCONF = "tests.headers.site"
    settings.MIDDLEWARE = list(MIDDLEWARE)
    settings.BT_SECURITY_FEATURES = ["headers"]
    settings.CONTENT_SECURITY_POLICY = strict_policy()
    settings.CONTENT_SECURITY_POLICY_REPORT_ONLY = None
    settings.X_FRAME_OPTIONS = "SAMEORIGIN"
    settings.SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
    return settings


@pytest.fixture
def visitor(site, client):
    """The test client, which shows error answers as a browser would."""
    client.raise_request_exception = False
    return client


@pytest.fixture
def async_visitor(site, async_client):
    async_client.raise_request_exception = False
    return async_client
