"""A site with the outer middleware, sessions in the test database, and a form."""

from __future__ import annotations

from pathlib import Path

import pytest

from bt_security.web import cookies
from tests.middleware.conftest import MIDDLEWARE


@pytest.fixture
def site(settings):
    settings.ROOT_URLCONF = "tests.cookies.site"
    settings.MIDDLEWARE = list(MIDDLEWARE)
    settings.BT_SECURITY_FEATURES = ["sessions", "csrf"]
    settings.SESSION_COOKIE_NAME = "bt_session"
    settings.CSRF_COOKIE_NAME = "bt_csrf_token"
    templates = {**settings.TEMPLATES[0], "DIRS": [Path(__file__).parent / "templates"]}
    settings.TEMPLATES = [templates]
    cookies._explain.cache_clear()
    return settings


@pytest.fixture
def visitor(site, db, client):
    return client
