"""Whose budget is used where an operation is limited by account."""

from __future__ import annotations

import pytest

from bt_security import ratelimit
from tests.testapp.models import Account

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("limits_on", "clock")]


@pytest.fixture(autouse=True)
def _by_account(settings):
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"thing": "1/15m:account"}


def somebody(pk):
    return Account(pk=pk, email=f"somebody{pk}@example.com")


def verdicts(count, request, **options):
    return [ratelimit.hit("thing", request, **options).allowed for _ in range(count)]


def test_without_a_name_the_logged_in_user_is_the_account(send, addresses):
    assert verdicts(1, send(next(addresses), user=somebody(1))) == [True]
    assert verdicts(1, send(next(addresses), user=somebody(1))) == [False]
    assert verdicts(1, send(next(addresses)), account="somebody1@example.com") == [False]
    assert verdicts(1, send(next(addresses), user=somebody(2))) == [True]


def test_a_typed_name_counts_whoever_is_logged_in(send):
    assert verdicts(1, send(user=somebody(1)), account="bob@example.com") == [True]
    assert verdicts(1, send(user=somebody(1))) == [True]


def test_strangers_without_a_name_are_limited_by_address(send):
    assert verdicts(2, send("192.0.2.1")) == [True, False]
    assert verdicts(1, send("192.0.2.2")) == [True]


@pytest.mark.parametrize("operation", ["stepup", "mfa_verify"])
def test_a_factor_is_limited_by_the_user_who_is_logged_in(send, addresses, operation):
    answers = [
        ratelimit.hit(operation, send(next(addresses), user=somebody(1))).allowed for _ in range(6)
    ]
    assert answers == [True] * 5 + [False]
