"""How rules are written, and which stand there by default."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from bt_security.conf import conf
from bt_security.conf.ratelimit import OPERATIONS, SCOPES, Rule, override_fault, parse_rules

pytestmark = pytest.mark.once

MINUTE, HOUR, DAY = 60, 3600, 86_400


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "10", "10/15m", "/15m:ip", "10/15m:", "10/15m:host", "10/15:ip", "10/15x:ip"),
        *("-1/15m:ip", "0/15m:ip", "10001/15m:ip", "10/0m:ip", "10/32d:ip", "1.5/15m:ip"),
        *("10/15m:ip,", "10/15m:ip;5/1m:ip", "10/15m:ip, 10/15m:ip", "10/15m:device", "Off"),
        *("10 / 15m : ip", "10/15m:IP", "\u0661\u0660/15m:ip"),
    ],
)
def test_a_malformed_rule_is_refused(text):
    with pytest.raises(ValueError, match=r"rule|has to"):
        parse_rules(text)


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("10/60s:ip", [Rule(10, MINUTE, "ip")]),
        ("10/s:ip", [Rule(10, 1, "ip")]),
        ("5/1h:user", [Rule(5, HOUR, "user")]),
        ("1/1d:account", [Rule(1, DAY, "account")]),
        (
            " 10/15m:ip,20/15m:account , 3/1d:device ",
            [Rule(10, 15 * MINUTE, "ip"), Rule(20, 15 * MINUTE, "account"), Rule(3, DAY, "device")],
        ),
        ("10000/31d:ip", [Rule(10_000, 31 * DAY, "ip")]),
        ("off", []),
    ],
)
def test_a_rule_is_hits_time_and_scope(text, rules):
    assert parse_rules(text) == tuple(rules)


@given(
    limit=st.integers(1, 10_000),
    seconds=st.integers(1, 31 * DAY),
    scope=st.sampled_from(["ip", "user", "account"]),
)
def test_a_rule_reads_back_as_it_was_written(limit, seconds, scope):
    (rule,) = parse_rules(f"{limit}/{seconds}s:{scope}")
    assert parse_rules(f"{rule.limit}/{rule.period}:{rule.scope}") == (rule,)


@given(st.text(max_size=40))
def test_any_text_is_rules_or_a_refusal(text):
    try:
        rules = parse_rules(text)
    except ValueError:
        return
    assert {rule.scope for rule in rules} <= set(SCOPES)


@pytest.mark.parametrize("name", ["Login", "1st", "", "log-in", "a" * 41, "lögin"])
def test_a_malformed_name_is_refused(name):
    assert "is no name" in override_fault(name, "10/15m:ip")


def test_a_refusal_names_the_place_and_the_part(settings):
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"login": "10/15m:ip, 5/15m:everybody"}
    with pytest.raises(ImproperlyConfigured) as refused:
        conf.ratelimit.rules_of("login")
    assert str(refused.value).startswith(
        "BT_SECURITY_RATELIMIT_OPERATIONS['login']: '5/15m:everybody' is no rule"
    )


def test_an_unknown_operation_is_refused_with_the_nearest_name():
    with pytest.raises(ImproperlyConfigured, match="Did you mean 'login'"):
        conf.ratelimit.rules_of("logn")


def test_a_site_overrides_one_line_and_adds_its_own(settings):
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"login": "3/1h:ip", "sms": "1/1m:user"}
    assert conf.ratelimit.rules_of("login") == (Rule(3, HOUR, "ip"),)
    assert conf.ratelimit.rules_of("sms") == (Rule(1, MINUTE, "user"),)
    assert conf.ratelimit.rules_of("export") == parse_rules(OPERATIONS["export"].rules)
    assert conf.ratelimit.operation_names()[-1] == "sms"


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_default_is_well_formed(name):
    assert override_fault(name, OPERATIONS[name].rules) == ""


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_default_lasts_an_hour_at_most(name):
    assert max(rule.window_seconds for rule in parse_rules(OPERATIONS[name].rules)) <= HOUR
