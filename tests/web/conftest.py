"""A site that serves endpoints; what a browser without a test's privileges gets from it."""

from __future__ import annotations

import importlib

import pytest
from django.test import AsyncClient, Client
from django.urls import clear_url_caches

import bt_security.urls
import tests.web.site
from tests.testapp.models import Account


@pytest.fixture
def _site(settings):
    settings.ROOT_URLCONF = "tests.web.site"


@pytest.fixture
def client(_site):
    return Client(enforce_csrf_checks=False, raise_request_exception=False)


@pytest.fixture
def aclient(_site):
    return AsyncClient(raise_request_exception=False)


@pytest.fixture
def strict_client(_site):
    """A client whose requests pass Django's CSRF check or not."""
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


@pytest.fixture
def user(db):
    return Account.objects.create_user("ann")


@pytest.fixture
def site_with(settings):
    """Return `load(*features)`, which makes the site's URLs those of these features."""

    def load(*features):
        settings.ROOT_URLCONF = "tests.web.site"
        settings.BT_SECURITY_FEATURES = list(features)
        _reload()

    yield load
    settings.BT_SECURITY_FEATURES = []
    _reload()


def _reload():
    importlib.reload(bt_security.urls)
    importlib.reload(tests.web.site)
    clear_url_caches()
