"""Signed tokens: what is refused, how long they live, what they say."""

from __future__ import annotations

from datetime import UTC, timedelta
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured
from django.core.signing import Signer
from django.utils import timezone

from bt_security import tokens
from bt_security.tokens.signed_text import MAX_CHARS, SALT
from tests.testapp.models import Account
from tests.tokens.conftest import refusal_of

pytestmark = [pytest.mark.once, pytest.mark.django_db]

CONTENT = {
    "aud": "invite",
    "sub": "",
    "jti": uuid4().hex,
    "exp": 32_000_000_000,
    "uses": 1,
    "acc": "",
    "dev": "",
    "data": {},
}


def signed(purpose="invite", **changes):
    return Signer(salt=SALT + purpose, sep=".").sign_object({**CONTENT, **changes})


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "a.b",
        "a.b.c",
        "a" * 10_000,
        "a" * 1000 + "." + "b" * 1048,
        "no-dot",
        "ä.ö",
        "\udc80.a",
        "a .b",
        "a.b\n",
        "\0",
        None,
        17,
        b"a.b",
    ],
)
def test_what_is_no_token_is_refused(token):
    assert refusal_of("invite", token) in {"malformed", "signature"}


@pytest.mark.parametrize("place", [0, 5, -1])
def test_a_changed_token_is_refused(place):
    token = tokens.issue("invite", "")
    position = place % len(token)
    other = "A" if token[position] != "A" else "B"
    # The last character has bits that base64 leaves unused: every other one is another signature.
    assert refusal_of("invite", token[:position] + other + token[position + 1 :]) == "signature"


def test_a_cut_token_is_refused():
    assert refusal_of("invite", tokens.issue("invite", "")[:-1]) == "signature"


def test_a_token_of_another_secret_key_is_refused(settings):
    token = tokens.issue("invite", "")
    settings.SECRET_KEY = "another key of more than fifty characters, for this test only"
    assert refusal_of("invite", token) == "signature"


def test_a_token_of_a_former_secret_key_is_accepted(settings, ann):
    token = tokens.issue("password_reset", ann)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key of more than fifty characters, for this test only"
    assert tokens.redeem("password_reset", token).user == ann


def test_a_well_made_content_is_accepted():
    assert tokens.peek("invite", signed()).subject == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"jti": "x"},
        {"jti": None},
        {"jti": 7},
        {"exp": "soon"},
        {"exp": None},
        {"exp": 10**30},
        {"more": 1},
    ],
)
def test_signed_content_of_another_form_is_refused(changes):
    assert refusal_of("invite", signed(**changes)) == "malformed"


@pytest.mark.parametrize("content", [[], "text", 7, None])
def test_signed_content_that_is_no_object_is_refused(content):
    token = Signer(salt=SALT + "invite", sep=".").sign_object(content)
    assert refusal_of("invite", token) == "malformed"


def test_signed_text_that_is_no_json_is_refused():
    assert refusal_of("invite", Signer(salt=SALT + "invite", sep=".").sign("abc")) == "malformed"


@pytest.mark.feature("BD-01")
def test_the_purpose_inside_is_judged_too():
    """A token names its purpose, and no other takes it even if it is signed for that one."""
    assert refusal_of("invite", signed(aud="password_reset")) == "purpose"


@pytest.mark.feature("BD-03")
def test_a_verification_token_resets_no_password(ann):
    """A token that confirms an address is refused where a password is reset."""
    token = tokens.issue("email_verification", ann)
    assert refusal_of("password_reset", token) == "signature"
    assert tokens.redeem("email_verification", token).user == ann


@pytest.mark.parametrize("purpose", ["feed", "nothing", ""])
def test_an_unknown_purpose_is_an_error(purpose):
    for use in (lambda: tokens.issue(purpose, ""), lambda: tokens.peek(purpose, "a.b")):
        with pytest.raises(ImproperlyConfigured, match="is no purpose"):
            use()


LIFETIMES = {
    "email_verification": timedelta(minutes=60),
    "password_reset": timedelta(minutes=60),
    "magic_link": timedelta(minutes=15),
    "invite": timedelta(days=7),
}


def issued(purpose, user, browser):
    subject = "" if purpose == "invite" else user
    return tokens.issue(purpose, subject, browser=tokens.this_browser(browser))


@pytest.mark.parametrize("purpose", LIFETIMES)
def test_a_token_ends_with_its_lifetime(clock, ann, browser, purpose):
    token = issued(purpose, ann, browser)
    clock.advance(seconds=LIFETIMES[purpose].total_seconds() - 1)
    assert tokens.peek(purpose, token, request=browser)
    clock.advance(seconds=1)
    assert refusal_of(purpose, token, request=browser) == "expired"


@pytest.mark.feature("BD-05")
@pytest.mark.parametrize("purpose", ["email_verification", "password_reset"])
def test_a_mailed_token_lives_for_an_hour(ann, purpose):
    """Tokens in mails are good for 60 minutes unless a setting says otherwise for their purpose."""
    left = tokens.peek(purpose, tokens.issue(purpose, ann)).expires_at - timezone.now()
    assert timedelta(minutes=59) < left <= timedelta(minutes=60)


@pytest.mark.feature("BD-04")
@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Kiritimati", "UTC"])
def test_the_time_zone_of_the_server_does_not_matter(settings, clock, ann, zone):
    """Tokens end at the same moment whatever time zone the server and the site are in."""
    settings.TIME_ZONE = zone
    token = tokens.issue("password_reset", ann)
    clock.advance(minutes=59)
    end = tokens.peek("password_reset", token).expires_at
    assert (end.tzinfo, end) == (UTC, clock.now + timedelta(minutes=1))
    clock.advance(minutes=1)
    assert refusal_of("password_reset", token) == "expired"


def test_a_lifetime_is_set_for_a_purpose(settings, clock):
    settings.BT_SECURITY_TOKENS_LIFETIME_SECONDS = {"invite": 60}
    token = tokens.issue("invite", "")
    clock.advance(seconds=60)
    assert refusal_of("invite", token) == "expired"


def test_a_lifetime_is_given_for_one_token(clock):
    token = tokens.issue("invite", "", lifetime_seconds=60)
    clock.advance(seconds=60)
    assert refusal_of("invite", token) == "expired"


def test_a_lifetime_out_of_range_is_refused(settings):
    with pytest.raises(ValueError, match="out of range"):
        tokens.issue("invite", "", lifetime_seconds=59)
    settings.BT_SECURITY_TOKENS_LIFETIME_SECONDS = {"invite": 59}
    with pytest.raises(ImproperlyConfigured, match=r"'invite'.* is out of range"):
        tokens.issue("invite", "")


def test_subject_and_data_come_back():
    token = tokens.issue("invite", "bob@example.com", data={"role": "editor", "n": [1, None]})
    claim = tokens.redeem("invite", token)
    assert (claim.subject, claim.data) == ("bob@example.com", {"role": "editor", "n": [1, None]})


def test_a_token_that_acts_on_no_account_has_no_user():
    with pytest.raises(TypeError, match="acts on no account"):
        _ = tokens.peek("invite", tokens.issue("invite", "")).user


def test_too_much_data_is_refused():
    with pytest.raises(ValueError, match="too long"):
        tokens.issue("invite", "", data={"text": "a" * MAX_CHARS})


@pytest.mark.parametrize(
    ("purpose", "subject"),
    [("invite", None), ("invite", 7), ("password_reset", "7"), ("password_reset", None)],
)
def test_a_subject_of_another_kind_is_refused(purpose, subject):
    with pytest.raises(TypeError, match="the subject"):
        tokens.issue(purpose, subject)


def test_a_user_is_no_subject_of_an_invite_and_has_to_be_saved(ann):
    with pytest.raises(TypeError, match="is a text"):
        tokens.issue("invite", ann)
    with pytest.raises(TypeError, match="not saved"):
        tokens.issue("password_reset", Account(email="new@example.com"))


def test_two_tokens_are_never_the_same(ann):
    assert tokens.issue("password_reset", ann) != tokens.issue("password_reset", ann)


def test_issue_redeem_and_refusal_are_reported(events, ann):
    token = tokens.issue("password_reset", ann)
    claim = tokens.redeem("password_reset", token)
    refusal_of("password_reset", token)
    refusal_of("password_reset", "x")
    known = {"purpose": "password_reset", "token_id": str(claim.token_id)}
    target = f"user:{ann.pk}"
    assert events == [
        ("tokens.issued", "success", target, known),
        ("tokens.redeemed", "success", target, known),
        ("tokens.refused", "refused", "", {**known, "reason": "used"}),
        ("tokens.refused", "refused", "", {"purpose": "password_reset", "reason": "malformed"}),
    ]


async def _round(ann):
    token = await tokens.aissue("password_reset", ann)
    peeked = await tokens.apeek("password_reset", token)
    redeemed = await tokens.aredeem("password_reset", token)
    return peeked.user, redeemed.user


@pytest.mark.django_db(transaction=True)
def test_async_code_has_the_same_functions(ann):
    assert async_to_sync(_round)(ann) == (ann, ann)
