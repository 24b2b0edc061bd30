"""API tokens of users: issue, rotate, revoke, and find out whose request it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from bt_security.conf import conf
from bt_security.conf.tokens import is_scope
from bt_security.exceptions import TokenRefused, TooManyTokens
from bt_security.keys import keyed_digest, keyed_digests
from bt_security.models import ApiToken
from bt_security.models.api_token import ApiTokenQuerySet
from bt_security.signals import report
from bt_security.tokens import binding
from bt_security.tokens.opaque import is_well_formed, new_secret, shown_prefix
from bt_security.web.admission import sent_token

KIND = "btk"
PURPOSE = "api_token"
USED_EVERY = timedelta(minutes=1)
"""How often the time of the last use is written, at most."""


@dataclass(frozen=True, slots=True)
class IssuedApiToken:
    """A token at the one moment when its secret is known: show `secret` now or never."""

    secret: str = field(repr=False)
    token: ApiToken


@sensitive_variables()
def issue(
    user: AbstractBaseUser,
    name: str,
    *,
    scopes: Sequence[str] = (),
    lifetime_days: int | None = None,
) -> IssuedApiToken:
    """Make an API token for a user; `BT_SECURITY_TOKENS_API_LIFETIME_DAYS` by default.

    `name` is what the user calls it, up to 100 characters. Reports `api_token.created`.

    Raises:
        TooManyTokens: the user has `BT_SECURITY_TOKENS_API_MAX_PER_USER` live ones.
        ValueError: a scope is malformed, or the lifetime is not positive or longer than the
            setting says.
        KeyRefused: this process may not make the key of the digests.
    """
    days = conf.tokens.api_lifetime_days if lifetime_days is None else lifetime_days
    if not 1 <= days <= conf.tokens.api_lifetime_days or not all(map(is_scope, scopes)):
        raise ValueError(
            "an API token has a lifetime of at least a day, of at most "
            f"{conf.tokens.api_lifetime_days}, and well-formed scopes"
        )
    secret, now = new_secret(KIND, has_prefix=True), timezone.now()
    digest = keyed_digest(PURPOSE, secret.encode("ascii"))
    with transaction.atomic(using=router.db_for_write(ApiToken)):
        binding.wait_for_turn(user)
        _require_room(user)
        token = ApiToken.objects.create(
            user_id=user.pk,
            name=name,
            prefix=shown_prefix(secret),
            digest=digest,
            scopes=" ".join(dict.fromkeys(scopes)),
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        _report("created", token)
    return IssuedApiToken(secret, token)


@sensitive_variables()
def rotate(token: ApiToken) -> IssuedApiToken:
    """Give a live token a new secret and its first lifetime again; the old one is refused at once.

    Name, id and scopes stay. Reports `api_token.rotated`.

    Raises:
        TokenRefused: it is revoked or expired, or was rotated by somebody else meanwhile.
        KeyRefused: this process may not make the key of the digests.
    """
    secret, now = new_secret(KIND, has_prefix=True), timezone.now()
    found = ApiToken.objects.live(at=now).with_digest([token.digest]).filter(pk=token.pk)
    values = {
        "prefix": shown_prefix(secret),
        "digest": keyed_digest(PURPOSE, secret.encode("ascii")),
        "expires_at": now + (token.expires_at - (token.rotated_at or token.created_at)),
        "rotated_at": now,
        "last_used_at": None,
    }
    with transaction.atomic(using=router.db_for_write(ApiToken)):
        if not found.update(**values):
            raise TokenRefused("not_live")
        _report("rotated", token, prefix=str(values["prefix"]))
    token.refresh_from_db(using=router.db_for_write(ApiToken))
    return IssuedApiToken(secret, token)


def revoke(token: ApiToken) -> None:
    """End a token at once. Reports `api_token.revoked`; twice is harmless."""
    now = timezone.now()
    with transaction.atomic(using=router.db_for_write(ApiToken)):
        if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
            _report("revoked", token)
    token.revoked_at = token.revoked_at or now


def revoke_all(user: AbstractBaseUser) -> int:
    """End every live token of a user, after a password reset for example; return their number."""
    tokens = for_user(user)
    for token in tokens:
        revoke(token)
    return len(tokens)


def for_user(user: AbstractBaseUser) -> list[ApiToken]:
    """Return the live tokens of a user, the newest first."""
    return list(_tokens().for_user(user.pk).live(at=timezone.now()))


def find(user: AbstractBaseUser, uuid: UUID) -> ApiToken | None:
    """Return one live token of a user, None if there is none or it is somebody else's."""
    return _tokens().for_user(user.pk).live(at=timezone.now()).filter(uuid=uuid).first()


@sensitive_variables()
def authenticate(request: HttpRequest) -> ApiToken:
    """Return the token that a request brings in `Authorization: Bearer …`; its `user` is whose.

    Cookies are not looked at. Writes the time of the last use, once a minute at most.

    Raises:
        TokenRefused: there is none, it is unknown, revoked or expired, or its user is inactive or
            hidden by the default manager of the user model.
    """
    return verify(sent_token(request) or "")


@sensitive_variables()
def verify(secret: str) -> ApiToken:
    """Return the token of a secret; scopes are for the caller to judge.

    Raises:
        TokenRefused: as `authenticate`.
    """
    if not is_well_formed(KIND, secret):
        raise TokenRefused("malformed")
    digests = keyed_digests(PURPOSE, secret.encode("ascii"))
    found = _tokens().with_digest(digests).select_related("user")
    token = found.annotate(has_user=binding.is_known()).first()
    if token is None:
        raise TokenRefused("unknown")
    now = timezone.now()
    has_user: bool = token.has_user  # type: ignore[attr-defined]
    if (reason := _fault(token, now, has_user=has_user)) is not None:
        details = {"purpose": PURPOSE, "reason": reason}
        report("tokens.refused", outcome="refused", target=_target(token), details=details)
        raise TokenRefused(reason)
    _note_use(token, now)
    return token


def _tokens() -> ApiTokenQuerySet:
    """Return the tokens as they are where they are written: a copy may be late."""
    return ApiToken.objects.using(router.db_for_write(ApiToken))


def _fault(token: ApiToken, now: datetime, *, has_user: bool) -> str | None:
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at <= now:
        return "expired"
    if not has_user:
        return "account_gone"
    return None if token.user.is_active else "account_inactive"


def _note_use(token: ApiToken, now: datetime) -> None:
    last = token.last_used_at
    if last is None or last <= now - USED_EVERY:
        # The old value is compared, so that of several requests one writes.
        ApiToken.objects.filter(pk=token.pk, last_used_at=last).update(last_used_at=now)
        token.last_used_at = now


def _require_room(user: AbstractBaseUser) -> None:
    if _tokens().for_user(user.pk).live(at=timezone.now()).count() >= conf.tokens.api_max_per_user:
        raise TooManyTokens(f"a user may have {conf.tokens.api_max_per_user} API tokens")


def _report(what: str, token: ApiToken, *, prefix: str = "") -> None:
    details = {"user": str(token.user_id), "prefix": prefix or token.prefix}
    report(f"api_token.{what}", target=_target(token), details=details)


def _target(token: ApiToken) -> str:
    return f"api_token:{token.uuid}"
