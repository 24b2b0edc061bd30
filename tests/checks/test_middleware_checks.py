"""Checks of `MIDDLEWARE`."""

from __future__ import annotations

import pytest
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.core.checks import ERROR

from bt_security.checks.middleware import (
    ACCOUNT,
    AUTHENTICATION,
    EDGE,
    SESSION,
    check_middleware_is_there,
    check_middleware_order,
)

pytestmark = pytest.mark.once

GOOD = [EDGE, SESSION, AUTHENTICATION, ACCOUNT]


class OwnAuthentication(AuthenticationMiddleware):
    """A site's own, under another name."""


@pytest.mark.parametrize("feature", ["headers", "csrf", "sessions", "ratelimit", "history"])
def test_a_feature_without_the_outer_middleware_is_e074(settings, feature):
    settings.BT_SECURITY_FEATURES = [feature]
    settings.MIDDLEWARE = GOOD[1:]
    (error,) = check_middleware_is_there()
    assert (error.id, error.level) == ("bt_security.E074", ERROR)
    assert error.msg.startswith(f"{EDGE} is not in MIDDLEWARE, and {feature}")


def test_sessions_without_djangos_middleware_are_e074(settings):
    settings.BT_SECURITY_FEATURES = ["sessions"]
    settings.MIDDLEWARE = [EDGE]
    (error,) = check_middleware_is_there()
    assert error.msg.startswith(f"{SESSION} is not in MIDDLEWARE, and sessions")


def test_pages_to_log_in_without_djangos_middleware_are_e074(settings):
    settings.BT_SECURITY_FEATURES = ["accounts"]
    settings.MIDDLEWARE = []
    said = [error.msg for error in check_middleware_is_there()]
    assert [message.split()[0] for message in said] == [SESSION, AUTHENTICATION]
    assert all("accounts cannot work" in message for message in said)


def test_single_user_mode_without_its_middleware_is_e074(settings):
    settings.BT_SECURITY_SITE_SINGLE_USER = "alice"
    settings.MIDDLEWARE = []
    assert len(check_middleware_is_there()) == 2


@pytest.mark.parametrize(
    ("middleware", "said"),
    [
        ([SESSION, EDGE, AUTHENTICATION, ACCOUNT], "is not the first line"),
        ([EDGE, ACCOUNT, SESSION, AUTHENTICATION], "does not stand right after"),
        ([EDGE, AUTHENTICATION, SESSION, ACCOUNT], "does not stand right after"),
        ([EDGE, *GOOD], "stands in MIDDLEWARE twice"),
        ([*GOOD, ACCOUNT], "stands in MIDDLEWARE twice"),
    ],
)
def test_a_wrong_order_is_e075(settings, middleware, said):
    settings.MIDDLEWARE = middleware
    (error,) = check_middleware_order()
    assert (error.id, error.level) == ("bt_security.E075", ERROR)
    assert said in error.msg


@pytest.mark.parametrize(
    "middleware",
    [
        [],
        GOOD,
        [EDGE, SESSION, f"{__name__}.OwnAuthentication", ACCOUNT],
        [EDGE, "nowhere.Middleware", SESSION, AUTHENTICATION, ACCOUNT, f"{__name__}.pytestmark"],
    ],
)
def test_a_good_order_passes(settings, middleware):
    settings.MIDDLEWARE = middleware
    settings.BT_SECURITY_FEATURES = ["sessions", "headers"] if middleware else []
    assert [*check_middleware_is_there(), *check_middleware_order()] == []


def test_an_unknown_feature_is_left_to_e002(settings):
    settings.BT_SECURITY_FEATURES = ["session"]
    settings.MIDDLEWARE = []
    assert check_middleware_is_there() == []
