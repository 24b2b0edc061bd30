"""Whom a hit counts for, and what the answer says."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.cache.backends import locmem
from django.core.exceptions import ImproperlyConfigured
from django.test import AsyncRequestFactory

from bt_security import ratelimit
from tests.testapp.models import Account

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("limits_on", "clock")]


def somebody(pk):
    return Account(pk=pk, email=f"somebody{pk}@example.com")


def knows_every_browser(request, account):
    return request.COOKIES.get("known", "")


@pytest.fixture
def rule(settings):
    """Give the operation `thing` these rules."""

    def be(text):
        settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"thing": text}

    return be


@pytest.fixture
def known_by_cookie(settings):
    settings.BT_SECURITY_RATELIMIT_KNOWN_DEVICE = f"{__name__}.knows_every_browser"


def verdicts(count, request, **options):
    return [ratelimit.hit("thing", request, **options).allowed for _ in range(count)]


def test_a_name_that_is_no_operation_is_refused(send):
    with pytest.raises(ImproperlyConfigured, match="logn"):
        ratelimit.hit("logn", send())


def test_nothing_is_limited_while_the_feature_is_off(settings, send, rule):
    settings.BT_SECURITY_FEATURES = []
    rule("1/1h:ip")
    assert all(verdicts(5, send()))
    assert ratelimit.hit("thing", send()).headers() == {}


def test_an_operation_that_is_off_is_not_limited(send, rule):
    rule("off")
    assert all(verdicts(5, send()))


def test_an_address_has_a_budget_of_its_own(send, rule):
    rule("2/15m:ip")
    assert verdicts(3, send("192.0.2.1")) == [True, True, False]
    assert verdicts(1, send("192.0.2.2")) == [True]


def test_a_network_of_ipv6_is_one_client(send, rule):
    rule("2/15m:ip")
    spread = [send(f"2001:db8:0:1::{host:x}") for host in range(3)]
    assert [ratelimit.hit("thing", each).allowed for each in spread] == [True, True, False]
    assert verdicts(1, send("2001:db8:0:2::1")) == [True]


def test_an_address_in_ipv6_clothes_is_the_same_client(send, rule):
    rule("1/15m:ip")
    assert verdicts(1, send("192.0.2.1")) == [True]
    assert verdicts(1, send("::ffff:192.0.2.1")) == [False]


def test_requests_without_an_address_share_one_budget(send, rule):
    rule("1/15m:ip")
    assert verdicts(1, send("")) == [True]
    assert verdicts(1, send("unix:")) == [False]
    assert verdicts(1, send("192.0.2.1")) == [True]


@pytest.mark.feature("TK-16", "TK-17")
@pytest.mark.parametrize("hops", [0, 1, 2])
def test_a_forged_forwarded_header_never_changes_the_bucket(settings, send, rule, hops):
    """Whatever a client writes into `X-Forwarded-For`, it stays in its own bucket of the limits."""
    settings.BT_SECURITY_NET_TRUST_PROXY = hops
    rule("3/15m:ip")
    chain = ["192.0.2.1", "10.0.0.1", "10.0.0.2"][: hops + 1]
    forged = [f"203.0.113.{n}, " * n for n in range(4)]
    requests = [
        send(chain[-1], HTTP_X_FORWARDED_FOR=f"{lie}{', '.join(chain[:-1])}") for lie in forged
    ]
    assert [ratelimit.hit("thing", each).allowed for each in requests] == [True] * 3 + [False]


def test_a_user_has_one_budget_at_all_addresses(send, rule, addresses):
    rule("2/15m:user")
    requests = [send(next(addresses), user=somebody(1)) for _ in range(3)]
    assert [ratelimit.hit("thing", each).allowed for each in requests] == [True, True, False]


def test_two_users_at_one_address_have_budgets_of_their_own(send, rule):
    rule("1/15m:user")
    assert verdicts(2, send(user=somebody(1))) == [True, False]
    assert verdicts(1, send(user=somebody(2))) == [True]


def test_a_given_user_stands_in_for_that_of_the_request(send, rule):
    rule("1/15m:user")
    assert verdicts(2, send(), user=somebody(1)) == [True, False]
    assert verdicts(1, send(user=somebody(1))) == [False]


def test_strangers_are_limited_by_address_where_a_rule_is_by_user(send, rule):
    rule("1/15m:user")
    assert verdicts(2, send("192.0.2.1")) == [True, False]
    assert verdicts(1, send("192.0.2.2")) == [True]


def test_an_account_has_one_budget_at_all_addresses(send, rule, addresses):
    rule("2/15m:account")
    answers = [
        ratelimit.hit("thing", send(next(addresses)), account="bob@example.com").allowed
        for _ in range(3)
    ]
    assert answers == [True, True, False]


def test_a_given_user_counts_as_the_account(send, rule):
    rule("1/15m:account")
    assert verdicts(1, send(), user=somebody(1)) == [True]
    assert verdicts(1, send(), account="somebody1@example.com") == [False]


@pytest.mark.parametrize(
    "spelling",
    [
        "BOB@example.com",
        " bob@example.com ",
        "bób@example.com",
        "b\u0323ob@example.com",
        "\uff42ob@example.com",
        "bo\u200bb@example.com",
        "bo\u00adb@example.com",
        "bob@example.com\x00",
        "b\u00f8b@example.com",
        "b\u0366b@example.com",
        "\u0299ob@example.com",
        "bob\u115f@example.com",
        "bob@ex\u0640ample.com",
    ],
)
def test_another_spelling_of_a_name_is_the_same_account(send, rule, spelling):
    rule("1/15m:account")
    assert verdicts(1, send(), account="bob@example.com") == [True]
    assert verdicts(1, send(), account=spelling) == [False]


def test_a_name_with_half_a_character_counts(send, rule):
    rule("1/15m:account")
    assert verdicts(2, send(), account="bob\udc80") == [True, False]


def test_several_windows_hold_together(send, rule, clock):
    rule("2/1m:ip, 3/1h:ip")
    assert verdicts(3, send()) == [True, True, False]
    clock.advance(61)
    assert verdicts(2, send()) == [True, False]
    assert ratelimit.hit("thing", send()).retry_after_seconds > 60


def test_operations_do_not_share_budgets(settings, send):
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"one": "1/1h:ip", "other": "1/1h:ip"}
    assert ratelimit.hit("one", send()).allowed
    assert ratelimit.hit("other", send()).allowed


@pytest.mark.usefixtures("known_by_cookie")
def test_a_stranger_who_uses_up_an_account_does_not_lock_its_own_browser_out(send, rule, addresses):
    rule("2/15m:account, 2/15m:device")
    for _ in range(10):
        ratelimit.hit("thing", send(next(addresses)), account="bob")
    assert verdicts(1, send(HTTP_COOKIE="known=laptop"), account="bob") == [True]


@pytest.mark.usefixtures("known_by_cookie")
def test_the_budget_of_a_known_device_ends_as_well(send, rule):
    rule("9/15m:account, 2/15m:device")
    assert verdicts(3, send(HTTP_COOKIE="known=laptop"), account="bob") == [True, True, False]


@pytest.mark.usefixtures("known_by_cookie")
def test_each_known_device_has_a_budget_of_its_own(send, rule):
    rule("9/15m:account, 1/15m:device")
    assert verdicts(1, send(HTTP_COOKIE="known=laptop"), account="bob") == [True]
    assert verdicts(1, send(HTTP_COOKIE="known=phone"), account="bob") == [True]


@pytest.mark.usefixtures("known_by_cookie")
def test_a_known_device_uses_nothing_of_the_accounts_budget(send, rule):
    rule("1/15m:account, 9/15m:device")
    verdicts(5, send(HTTP_COOKIE="known=laptop"), account="bob")
    assert verdicts(1, send(), account="bob") == [True]


@pytest.mark.usefixtures("known_by_cookie")
def test_a_known_device_has_the_accounts_figures_where_none_are_its_own(send, rule):
    rule("1/15m:account")
    assert verdicts(2, send(), account="bob") == [True, False]
    assert verdicts(2, send(HTTP_COOKIE="known=laptop"), account="bob") == [True, False]


@pytest.mark.usefixtures("known_by_cookie")
def test_a_rule_by_address_holds_for_a_known_device(send, rule):
    rule("1/15m:ip, 9/15m:account, 9/15m:device")
    assert verdicts(2, send(HTTP_COOKIE="known=laptop"), account="bob") == [True, False]


def test_an_answer_holds_the_figures_of_the_budget_nearest_to_its_end(send, rule):
    rule("5/15m:ip, 3/1h:user")
    decision = ratelimit.hit("thing", send(user=somebody(1)))
    assert (decision.allowed, decision.scope, decision.limit) == (True, "user", 3)
    assert (decision.remaining, decision.retry_after_seconds) == (2, 0)
    assert 0 < decision.reset_seconds <= 3600


def test_a_refusal_says_when_to_come_back(send, rule):
    rule("1/15m:ip")
    ratelimit.hit("thing", send())
    decision = ratelimit.hit("thing", send())
    assert (decision.allowed, decision.remaining, decision.scope) == (False, 0, "ip")
    assert timedelta(0) < timedelta(seconds=decision.retry_after_seconds) <= timedelta(minutes=15)


def test_headers_name_every_policy_and_what_is_left(send, rule):
    rule("5/15m:ip, 9/1h:ip")
    headers = ratelimit.hit("thing", send()).headers()
    assert headers["RateLimit-Policy"] == '"thing-ip-15m";q=5;w=900, "thing-ip-1h";q=9;w=3600'
    assert headers["RateLimit"].startswith('"thing-ip-15m";r=4;t=')
    assert "Retry-After" not in headers


def test_headers_of_a_refusal_name_the_budget_that_refuses(send, rule):
    rule("5/15m:ip, 1/1h:account")
    ratelimit.hit("thing", send(), account="bob")
    headers = ratelimit.hit("thing", send(), account="bob").headers()
    assert headers["RateLimit"] == f'"thing-account-1h";r=0;t={headers["Retry-After"]}'


def test_headers_tell_nobody_how_much_of_an_account_is_left(send, rule):
    rule("5/15m:ip, 3/1h:account")
    assert (
        ratelimit.hit("thing", send(), account="bob")
        .headers()["RateLimit"]
        .startswith('"thing-ip-15m";r=4;')
    )


def test_headers_without_a_budget_to_show_have_the_policy_alone(send, rule):
    rule("3/1h:account")
    assert set(ratelimit.hit("thing", send(), account="bob").headers()) == {"RateLimit-Policy"}


def test_an_unknown_name_is_limited_exactly_like_a_known_one(send, db, addresses):
    Account.objects.create(email="known@example.com")
    answers = {}
    for name in ("known@example.com", "unknown@example.com"):
        hits = (ratelimit.hit("login", send(next(addresses)), account=name) for _ in range(25))
        answers[name] = [(hit.allowed, hit.limit, hit.remaining, hit.scope) for hit in hits]
    known, unknown = answers.values()
    assert known == unknown


def test_a_name_is_not_looked_up(send):
    # Without the fixture `db` a query is an error.
    assert ratelimit.hit("login", send(), account="bob@example.com").allowed


def test_a_lock_is_reported_once_and_without_address_or_name(send, rule, events):
    rule("1/15m:ip, 1/15m:account")
    verdicts(10, send("192.0.2.77"), account="bob@example.com")
    assert [(action, outcome, target) for action, outcome, target, _ in events] == [
        ("ratelimit.exceeded", "refused", "")
    ] * 2
    assert [details["scope"] for *_, details in events] == ["ip", "account"]
    assert "192.0.2" not in str(events)
    assert "bob" not in str(events)


def test_a_lock_of_a_user_is_reported_by_id(send, rule, events):
    rule("1/15m:user")
    verdicts(3, send(user=somebody(7)))
    ((_, _, target, details),) = events
    assert target == "user:7"
    assert details == {
        "operation": "thing",
        "scope": "user",
        "limit": 1,
        "window_seconds": 900,
        "is_known_device": False,
    }


def test_the_cache_holds_neither_address_nor_name(settings, send, rule):
    rule("1/15m:ip, 1/15m:account")
    ratelimit.hit("thing", send("192.0.2.77"), account="bob@example.com")
    kept = str(locmem._caches[settings.CACHES["default"]["LOCATION"]])
    assert kept
    assert "192.0.2" not in kept
    assert "bob" not in kept


def test_another_secret_key_starts_every_budget_afresh(settings, send, rule):
    rule("1/15m:ip")
    verdicts(1, send())
    settings.SECRET_KEY = "another secret of fifty characters, only for this test"
    assert verdicts(1, send()) == [True]


def test_skipped_scopes_are_not_counted(send, rule):
    rule("1/15m:ip, 5/15m:account")
    assert verdicts(3, send(), account="bob", skip=["ip"]) == [True] * 3


def test_every_rule_skipped_is_no_limit(send, rule):
    rule("1/15m:ip")
    assert verdicts(3, send(), skip=["ip"]) == [True] * 3


def test_of_fifty_threads_exactly_ten_pass(send, rule):
    """Fifty parallel requests against a limit of ten let exactly ten through in one process."""
    rule("10/15m:ip")
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda _: ratelimit.hit("thing", send()).allowed, range(50)))
    assert answers.count(True) == 10


async def hits_in_parallel(count):
    request = AsyncRequestFactory().post("/")
    return await asyncio.gather(*(ratelimit.ahit("thing", request) for _ in range(count)))


def test_of_fifty_tasks_exactly_ten_pass(rule):
    rule("10/15m:ip")
    answers = asyncio.run(hits_in_parallel(50))
    assert [answer.allowed for answer in answers].count(True) == 10


@pytest.mark.parametrize(
    "backend", ["db.DatabaseCache", "dummy.DummyCache", "filebased.FileBasedCache"]
)
def test_where_the_cache_cannot_count_the_process_does(settings, send, rule, backend, caplog):
    settings.CACHES = {
        "default": {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": "nowhere"}
    }
    rule("2/15m:ip")
    assert verdicts(3, send()) == [True, True, False]
    assert "cannot count" in caplog.text


def test_a_cache_that_is_not_to_count_is_logged_by_the_error_it_is(settings, send, rule, caplog):
    settings.RATELIMIT_ENABLE = False
    rule("2/15m:ip")
    assert verdicts(3, send()) == [True, True, False]
    assert "(StoreUnavailable)" in caplog.text


def test_where_the_cache_is_not_there_the_process_counts(settings, send, rule):
    settings.BT_SECURITY_RATELIMIT_CACHE = "counters"
    rule("2/15m:ip")
    assert verdicts(3, send()) == [True, True, False]


def test_an_operation_that_stays_open_has_no_figures(settings, send, rule):
    settings.RATELIMIT_ENABLE = False
    settings.BT_SECURITY_RATELIMIT_FAIL_OPEN = ["thing"]
    rule("1/15m:ip")
    assert [ratelimit.hit("thing", send()).headers() for _ in range(3)] == [{}] * 3
