"""Issue, judge and redeem signed tokens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from asgiref.sync import sync_to_async
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from bt_security.conf import conf
from bt_security.conf.tokens import Purpose, is_lifetime, purpose_named
from bt_security.exceptions import TokenRefused
from bt_security.signals import report
from bt_security.tokens import binding, ledger, signed_text
from bt_security.tokens.browser import is_of_browser, mark_of_browser
from bt_security.tokens.claims import Claim, claim_of, report_refusal
from bt_security.tokens.ledger import UNLIMITED
from bt_security.tokens.signed_text import Payload

Subject = AbstractBaseUser | str
"""A user for purposes that act on an account, otherwise any text."""


@sensitive_variables()
def issue(
    purpose: str,
    subject: Subject,
    *,
    data: Mapping[str, Any] | None = None,
    max_uses: int = 1,
    lifetime_seconds: int | None = None,
    browser: str = "",
) -> str:
    """Return a new token for one purpose; it is stored nowhere.

    `data` is what `Claim.data` will be; whoever holds the token can read it. `max_uses` is
    100 at most, or `UNLIMITED` where the purpose allows it. `lifetime_seconds` is that of the
    purpose by default.
    `browser` is what `this_browser` returned, for purposes that need it. Reports `tokens.issued`.

    Raises:
        ImproperlyConfigured: nobody has defined the purpose.
        TypeError: the subject is no saved user, or is one where a text is wanted.
        ValueError: a number is out of range, a browser is missing, or `data` is too large.
    """
    found = purpose_named(purpose)
    _judge_order(found, max_uses=max_uses, browser=browser)
    jti = uuid4().hex
    payload = Payload(
        aud=found.name,
        sub=_subject_text(found, subject),
        jti=jti,
        exp=int(_end(found, lifetime_seconds).timestamp()),
        uses=max_uses,
        acc=binding.mark_of(subject) if isinstance(subject, AbstractBaseUser) else "",
        dev=mark_of_browser(browser, jti) if found.needs_browser else "",
        data=dict(data or {}),
    )
    token = signed_text.write(payload)
    report(
        "tokens.issued",
        target=f"user:{payload.sub}" if found.acts_on_account else "",
        details={"purpose": found.name, "token_id": str(payload.token_id)},
    )
    return token


@sensitive_variables()
def peek(purpose: str, token: str, *, request: HttpRequest | None = None) -> Claim:
    """Return what a good token says, without using it up.

    `request` is needed for purposes that are tied to a browser. A refusal is reported as
    `tokens.refused` with its reason.

    Raises:
        TokenRefused: of another purpose, changed, expired, used, revoked, from another browser,
            or the account is gone, inactive or changed.
        ImproperlyConfigured: nobody has defined the purpose.
        TypeError: `request` is missing.
    """
    found = purpose_named(purpose)
    if found.needs_browser and request is None:
        raise TypeError(f"a token of the purpose {purpose} is judged with request=request")
    payload: Payload | None = None
    try:
        payload = signed_text.read(purpose, token)
        if found.needs_browser and not _is_from_browser(payload, request):
            raise TokenRefused("browser")
        return claim_of(found, payload)
    except TokenRefused as refusal:
        token_id = payload.token_id if payload is not None else None
        report_refusal(purpose, refusal, token_id=token_id)
        raise


@sensitive_variables()
def redeem(purpose: str, token: str, *, request: HttpRequest | None = None) -> Claim:
    """Judge a token and use it up at once, in the caller's transaction or one of its own.

    Where something else has to be right too, such as a new password, use `peek` first and
    `Claim.consuming` last. Reports `tokens.redeemed`.

    Raises:
        TokenRefused, ImproperlyConfigured, TypeError: as `peek`.
    """
    claim = peek(purpose, token, request=request)
    claim.consume()
    return claim


def revoke(purpose: str, token_id: UUID, *, expires_at: datetime) -> None:
    """Make a token worthless whose id a site has kept: `peek(...).token_id` and `.expires_at`.

    Reports `tokens.revoked`. Twice is harmless.
    """
    name = purpose_named(purpose).name
    with transaction.atomic(using=ledger.alias()):
        if ledger.mark_revoked(token_id, purpose=name, expires_at=expires_at):
            report("tokens.revoked", details={"purpose": name, "token_id": str(token_id)})


@sensitive_variables()
async def aissue(purpose: str, subject: Subject, **options: Any) -> str:
    """Do what `issue` does, for async code; the options are the same."""
    return await sync_to_async(issue)(purpose, subject, **options)


@sensitive_variables()
async def apeek(purpose: str, token: str, *, request: HttpRequest | None = None) -> Claim:
    """Do what `peek` does, for async code."""
    return await sync_to_async(peek)(purpose, token, request=request)


@sensitive_variables()
async def aredeem(purpose: str, token: str, *, request: HttpRequest | None = None) -> Claim:
    """Do what `redeem` does, for async code."""
    return await sync_to_async(redeem)(purpose, token, request=request)


def _judge_order(purpose: Purpose, *, max_uses: int, browser: str) -> None:
    is_unlimited = max_uses == UNLIMITED and purpose.may_be_unlimited
    if not is_unlimited and not 1 <= max_uses <= purpose.max_uses:
        raise ValueError(f"{max_uses} uses are not allowed for the purpose {purpose.name}")
    if purpose.needs_browser and not browser:
        raise ValueError(f"the purpose {purpose.name} needs browser=this_browser(request)")


def _subject_text(purpose: Purpose, subject: Subject) -> str:
    is_user = isinstance(subject, AbstractBaseUser)
    if purpose.acts_on_account != is_user or (not is_user and not isinstance(subject, str)):
        wanted = "a user" if purpose.acts_on_account else "a text"
        raise TypeError(f"the subject of the purpose {purpose.name} is {wanted}")
    if isinstance(subject, str):
        return subject
    if subject.pk is None:
        raise TypeError("the subject is a user that is not saved")
    return str(subject.pk)


def _end(purpose: Purpose, lifetime_seconds: int | None) -> datetime:
    seconds = conf.tokens.lifetime_of(purpose) if lifetime_seconds is None else lifetime_seconds
    if not is_lifetime(seconds):
        raise ValueError(f"a lifetime of {seconds} seconds is out of range")
    return timezone.now() + timedelta(seconds=seconds)


def _is_from_browser(payload: Payload, request: HttpRequest | None) -> bool:
    return request is not None and is_of_browser(request, payload.dev, payload.jti)
