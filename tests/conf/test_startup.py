"""What is judged before a process serves."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from bt_security.conf import judge_environment, judge_secret_key

pytestmark = pytest.mark.once

GOOD = "a secret key of 32 bytes or more"


@pytest.mark.parametrize("value", ["", None, b""])
def test_an_empty_secret_key_is_refused_even_in_debug(settings, value):
    settings.DEBUG = True
    settings.SECRET_KEY = value
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY setting must not be empty"):
        judge_secret_key()


@pytest.mark.parametrize("value", ["x" * 31, b"x" * 31, "\udcff" * 31])
def test_a_short_secret_key_is_refused(settings, value):
    settings.SECRET_KEY = value
    with pytest.raises(ImproperlyConfigured, match=r"^SECRET_KEY has 31 bytes and needs at least"):
        judge_secret_key()


def test_a_secret_key_of_another_type_is_refused(settings):
    settings.SECRET_KEY = [GOOD]
    with pytest.raises(ImproperlyConfigured, match=r"^SECRET_KEY must be a str or bytes\.$"):
        judge_secret_key()


@pytest.mark.parametrize("value", [GOOD, GOOD.encode(), "ä" * 16])
def test_a_secret_key_of_32_bytes_is_taken(settings, value):
    settings.SECRET_KEY = value
    judge_secret_key()


def test_a_short_secret_key_is_taken_in_debug(settings):
    settings.DEBUG = True
    settings.SECRET_KEY = "short"
    judge_secret_key()


def test_a_bad_operator_key_is_refused_at_the_start(monkeypatch):
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", "short")
    with pytest.raises(ImproperlyConfigured, match=r"^TOKEN_ENCRYPTION_KEY is refused"):
        judge_environment()


def test_a_short_secret_key_is_refused_at_the_start(settings):
    settings.SECRET_KEY = "short"
    with pytest.raises(ImproperlyConfigured, match=r"^SECRET_KEY has 5 bytes"):
        judge_environment()


def test_a_good_environment_starts(settings):
    settings.SECRET_KEY = GOOD
    judge_environment()
