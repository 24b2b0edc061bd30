"""API tokens: what is refused, what is stored, how many there may be."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from bt_security import keys, tokens
from bt_security.models import ApiToken
from bt_security.tokens import api
from bt_security.tokens.opaque import is_well_formed
from tests.testapp.models import Account

pytestmark = pytest.mark.django_db

once = pytest.mark.once


def request_with(secret, scheme="Bearer"):
    return RequestFactory().get("/", HTTP_AUTHORIZATION=f"{scheme} {secret}")


def reason_for(secret):
    with pytest.raises(tokens.TokenRefused) as caught:
        api.verify(secret)
    return caught.value.reason


def changed(secret, position):
    other = "A" if secret[position] != "A" else "B"
    return secret[:position] + other + secret[position + 1 :]


@once
@pytest.mark.parametrize("position", [0, 4, 13, 40, 60, 61])
def test_a_changed_secret_is_refused_without_a_query(ann, django_assert_num_queries, position):
    secret = api.issue(ann, "script").secret
    with django_assert_num_queries(0):
        assert reason_for(changed(secret, position)) == "malformed"


@once
@pytest.mark.parametrize("text", ["", "btk_", "x" * 62, "btk_" + "a" * 5000, "\udc80", None, 7])
def test_what_is_no_secret_is_refused_without_a_query(django_assert_num_queries, text):
    with django_assert_num_queries(0):
        assert reason_for(text) == "malformed"


@once
def test_a_well_formed_secret_that_nobody_has_is_refused(ann):
    issued = api.issue(ann, "script")
    issued.token.delete()
    assert reason_for(issued.secret) == "unknown"


@once
def test_the_stored_digest_and_prefix_open_nothing(ann):
    token = api.issue(ann, "script").token
    for stored in (token.digest, token.prefix, token.digest.partition("$")[2]):
        assert reason_for(stored) == "malformed"


@once
def test_a_revoked_token_is_refused_at_once(ann, events):
    issued = api.issue(ann, "script")
    for _ in range(2):
        api.revoke(issued.token)
    assert reason_for(issued.secret) == "revoked"
    assert [event[0] for event in events].count("api_token.revoked") == 1


@once
def test_an_expired_token_is_refused(clock, ann):
    issued = api.issue(ann, "script", lifetime_days=2)
    clock.advance(days=2)
    assert reason_for(issued.secret) == "expired"


@once
@pytest.mark.feature("BD-09")
def test_the_token_of_an_inactive_user_is_refused_at_once(ann):
    """API tokens of a deactivated or deleted user are refused on the next request."""
    issued = api.issue(ann, "script")
    Account.objects.filter(pk=ann.pk).update(is_active=False)
    assert reason_for(issued.secret) == "account_inactive"
    Account.objects.filter(pk=ann.pk).delete()
    assert reason_for(issued.secret) == "unknown"


@once
def test_the_token_of_a_user_whom_the_site_hides_is_refused(ann, hide, events):
    issued = api.issue(ann, "script")
    hide(ann)
    assert reason_for(issued.secret) == "account_gone"
    assert events[-1][3] == {"purpose": "api_token", "reason": "account_gone"}


@once
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic {}", "{}", "Token {}"])
def test_a_header_of_another_form_brings_no_token(ann, header):
    secret = api.issue(ann, "script").secret
    request = RequestFactory().get("/", HTTP_AUTHORIZATION=header.format(secret))
    with pytest.raises(tokens.TokenRefused):
        api.authenticate(request)


@once
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_good_token_says_whose_request_it_is(ann, scheme):
    issued = api.issue(ann, "script", scopes=["a:read", "a:write", "a:read"])
    token = api.authenticate(request_with(issued.secret, scheme))
    assert (token.user, token.scope_list) == (ann, ["a:read", "a:write"])


@once
def test_the_secret_has_a_form_that_scanners_find(ann):
    issued = api.issue(ann, "script")
    assert re.fullmatch(r"btk_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}", issued.secret)
    assert issued.secret.startswith(issued.token.prefix + "_")
    assert is_well_formed("btk", issued.secret)
    assert not is_well_formed("btf", issued.secret)


@once
def test_a_token_from_before_a_new_purpose_key_is_still_good(ann):
    issued = api.issue(ann, "script")
    keys.new_generation(api.PURPOSE)
    assert api.verify(issued.secret) == issued.token
    assert api.issue(ann, "newer").token.digest.startswith("2$")


@once
def test_the_use_is_noted_once_a_minute(clock, ann):
    issued = api.issue(ann, "script")
    api.verify(issued.secret)
    clock.advance(seconds=59)
    with CaptureQueriesContext(connection) as captured:
        api.verify(issued.secret)
    assert len([each for each in captured if "bt_security_api_token" in each["sql"]]) == 1
    clock.advance(seconds=1)
    assert api.verify(issued.secret).last_used_at == clock.now
    issued.token.refresh_from_db()
    assert issued.token.last_used_at == clock.now


@once
def test_the_lifetime_is_that_of_the_setting(settings, clock, ann):
    assert api.issue(ann, "script").token.expires_at == clock.now + timedelta(days=90)
    settings.BT_SECURITY_TOKENS_API_LIFETIME_DAYS = 7
    assert api.issue(ann, "script").token.expires_at == clock.now + timedelta(days=7)


@once
@pytest.mark.parametrize(
    "options",
    [
        {"lifetime_days": 0},
        {"lifetime_days": 91},
        {"scopes": ["a b"]},
        {"scopes": [""]},
        {"scopes": ['"']},
    ],
)
def test_malformed_wishes_are_refused(ann, options):
    with pytest.raises(ValueError, match="well-formed scopes"):
        api.issue(ann, "script", **options)


@once
def test_a_rotated_token_has_a_new_secret_and_keeps_the_rest(clock, ann):
    old = api.issue(ann, "script", scopes=["a:read"], lifetime_days=10)
    clock.advance(days=9)
    new = api.rotate(old.token)
    assert reason_for(old.secret) == "unknown"
    assert api.verify(new.secret).uuid == old.token.uuid
    assert (new.token.name, new.token.scope_list) == ("script", ["a:read"])
    assert new.token.expires_at == clock.now + timedelta(days=10)
    clock.advance(days=1)
    assert api.rotate(new.token).token.expires_at == clock.now + timedelta(days=10)


@once
def test_a_revoked_expired_or_rotated_token_is_not_rotated(clock, ann):
    revoked, expired, stale = (api.issue(ann, name, lifetime_days=1).token for name in "abc")
    api.revoke(ApiToken.objects.get(pk=revoked.pk))
    api.rotate(ApiToken.objects.get(pk=stale.pk))
    for token in (revoked, stale):
        with pytest.raises(tokens.TokenRefused):
            api.rotate(token)
    clock.advance(days=1)
    with pytest.raises(tokens.TokenRefused):
        api.rotate(expired)


@once
def test_a_user_has_so_many_live_tokens_and_no_more(settings, clock, ann, eve):
    settings.BT_SECURITY_TOKENS_API_MAX_PER_USER = 2
    first = api.issue(ann, "1", lifetime_days=1).token
    api.issue(ann, "2", lifetime_days=1)
    with pytest.raises(tokens.TooManyTokens):
        api.issue(ann, "3")
    assert api.issue(eve, "hers")
    api.revoke(first)
    assert api.issue(ann, "3", lifetime_days=1)
    clock.advance(days=1)
    assert api.issue(ann, "4")


@pytest.mark.django_db(transaction=True)
def test_parallel_requests_do_not_pass_the_number(settings, ann):
    settings.BT_SECURITY_TOKENS_API_MAX_PER_USER = 2
    keys.purpose_keys(api.PURPOSE)
    start = Barrier(4)

    def make(_):
        start.wait()
        try:
            api.issue(ann, "script")
        except tokens.TooManyTokens:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(make, range(4))).count(True) == 2
    assert ApiToken.objects.count() == 2


@once
def test_the_tokens_of_a_user_are_listed_and_found(ann, eve):
    own, hers = api.issue(ann, "own").token, api.issue(eve, "hers").token
    assert api.for_user(ann) == [own]
    assert api.find(ann, own.uuid) == own
    assert api.find(ann, hers.uuid) is None
    api.revoke(own)
    assert api.for_user(ann) == []
    assert api.find(ann, own.uuid) is None


@once
def test_all_tokens_of_a_user_are_revoked(ann, eve):
    secrets = [api.issue(ann, name).secret for name in "ab"]
    hers = api.issue(eve, "hers").secret
    assert api.revoke_all(ann) == 2
    assert {reason_for(secret) for secret in secrets} == {"revoked"}
    assert api.verify(hers)


@once
def test_what_happens_is_reported(ann, events):
    issued = api.issue(ann, "script")
    first = issued.token.prefix
    api.rotate(issued.token)
    api.revoke(issued.token)
    reason_for(changed(issued.secret, 0))
    target = f"api_token:{issued.token.uuid}"
    assert [event[:3] for event in events] == [
        ("api_token.created", "success", target),
        ("api_token.rotated", "success", target),
        ("api_token.revoked", "success", target),
    ]
    assert events[0][3] == {"user": str(ann.pk), "prefix": first}


@once
def test_the_use_of_a_dead_token_is_reported(ann, events):
    issued = api.issue(ann, "script")
    api.revoke(issued.token)
    reason_for(issued.secret)
    assert events[-1] == (
        "tokens.refused",
        "refused",
        f"api_token:{issued.token.uuid}",
        {"purpose": "api_token", "reason": "revoked"},
    )


@once
def test_dead_tokens_are_kept_for_30_days_and_then_deleted(clock, ann):
    live, revoked, _expired = (api.issue(ann, name, lifetime_days=35).token for name in "abc")
    ApiToken.objects.filter(name="c").update(expires_at=clock.now)
    api.revoke(revoked)
    clock.advance(days=30)
    assert tokens.prune() == (0, 0)
    clock.advance(seconds=1)
    assert tokens.prune(batch_rows=1) == (0, 2)
    assert ApiToken.objects.get() == live


@once
def test_a_token_is_for_its_scopes_alone():
    token = ApiToken(scopes="a:read b")
    assert token.allows("a:read")
    assert token.allows("")
    assert not token.allows("a")
    assert not ApiToken().allows("a")
