"""A site with both middleware in their places."""

from __future__ import annotations

import pytest

MIDDLEWARE = [
    "bt_security.middleware.EdgeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "bt_security.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]


@pytest.fixture
def site(settings):
    settings.ROOT_URLCONF = "tests.middleware.site"
    settings.MIDDLEWARE = list(MIDDLEWARE)
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
