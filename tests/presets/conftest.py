"""The lists of a usual site, as `startproject` writes them."""

from __future__ import annotations

import pytest

from bt_security.presets import adopt, strict

DJANGOS = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
APPS = ["django.contrib.auth", "django.contrib.sessions", "bt_security"]


@pytest.fixture
def preset():
    """`strict` of a usual site in an environment of the given variables."""

    def make(overrides=None, **environ):
        lists = {"MIDDLEWARE": DJANGOS, "INSTALLED_APPS": APPS}
        return strict(**{**lists, **(overrides or {})}, environ=environ)

    return make


@pytest.fixture
def adopted():
    """`adopt` of a usual site in an environment of the given variables."""

    def make(overrides=None, **environ):
        lists = {"MIDDLEWARE": DJANGOS, "INSTALLED_APPS": APPS}
        return adopt(**{**lists, **(overrides or {})}, environ=environ)

    return make
