"""Feeds whose URL is the credential: one token for each user and feed, which can be regenerated."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_not_required
from django.db import IntegrityError, models, router, transaction
from django.http import Http404, HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from bt_security.keys import keyed_digest, keyed_digests
from bt_security.models import FeedToken
from bt_security.signals import report
from bt_security.tokens import binding
from bt_security.tokens.addresses import mask_in_path
from bt_security.tokens.opaque import is_well_formed, new_secret
from bt_security.web import no_store

KIND = "btf"
PURPOSE = "feed_token"
SAFE_METHODS = ("GET", "HEAD")

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)

FeedView = Callable[..., HttpResponseBase | Awaitable[HttpResponseBase]]


@sensitive_variables()
def issue(user: AbstractBaseUser, feed: str) -> str:
    """Return a new token for a user's feed; the one before is worth nothing from now on.

    `feed` is lower snake case of up to 40 characters. Reports `feed_token.issued`.

    Raises:
        ValueError: `feed` is malformed.
        KeyRefused: this process may not make the key of the digests.
    """
    if _NAME.fullmatch(feed) is None:
        raise ValueError(f"not the name of a feed: {feed!r}")
    secret = new_secret(KIND)
    values = {"digest": keyed_digest(PURPOSE, _bytes(feed, secret)), "created_at": timezone.now()}
    own = FeedToken.objects.filter(user_id=user.pk, feed=feed)
    with transaction.atomic(using=router.db_for_write(FeedToken)):
        binding.wait_for_turn(user)
        if not own.update(**values) and not _insert(user_id=user.pk, feed=feed, **values):
            own.update(**values)  # somebody else has made it meanwhile
        report("feed_token.issued", target=f"user:{user.pk}", details={"feed": feed})
    return secret


def revoke(user: AbstractBaseUser, feed: str) -> None:
    """Take a user's feed off the air. Reports `feed_token.revoked`; twice is harmless."""
    with transaction.atomic(using=router.db_for_write(FeedToken)):
        if FeedToken.objects.filter(user_id=user.pk, feed=feed).delete()[0]:
            report("feed_token.revoked", target=f"user:{user.pk}", details={"feed": feed})


def is_issued(user: AbstractBaseUser, feed: str) -> bool:
    """Whether a user has a token for a feed; it cannot be shown again."""
    return _feeds().filter(user_id=user.pk, feed=feed).exists()


@sensitive_variables()
def resolve(feed: str, token: str) -> AbstractBaseUser:
    """Return the user whose feed a token opens.

    Raises:
        Http404: unknown, of another feed, regenerated, revoked, or the user is inactive or hidden
            by the default manager of the user model.
    """
    if not is_well_formed(KIND, token):
        raise Http404
    digests = keyed_digests(PURPOSE, _bytes(feed, token))
    feeds = _feeds().filter(binding.is_known(), feed=feed, digest__in=digests)
    found = feeds.select_related("user").first()
    if found is None or not found.user.is_active:
        raise Http404
    return found.user


def feed(name: str) -> Callable[[FeedView], FeedView]:
    """Make `view(request, user)` the view of a feed, sync or async; the URL gives it `token`.

    `path("calendar/<str:token>.ics", calendar)`. GET and HEAD only; whatever is wrong with the
    token is 404. Nobody may store the answer, and no other site learns its address. The request
    that the view gets has the token masked in its path, which error reports quote.
    """

    def decorate(view: FeedView) -> FeedView:
        if iscoroutinefunction(view):

            @wraps(view)
            @sensitive_variables()
            async def answer_later(
                request: HttpRequest, token: str, **captured: Any
            ) -> HttpResponseBase:
                mask_in_path(request, token)
                if request.method not in SAFE_METHODS:
                    return hide(HttpResponseNotAllowed(SAFE_METHODS))
                user = await sync_to_async(resolve)(name, token)
                pending = cast(Awaitable[HttpResponseBase], view(request, user, **captured))
                return hide(await pending)

            return cast(FeedView, login_not_required(answer_later))

        @wraps(view)
        @sensitive_variables()
        def answer(request: HttpRequest, token: str, **captured: Any) -> HttpResponseBase:
            mask_in_path(request, token)
            if request.method not in SAFE_METHODS:
                return hide(HttpResponseNotAllowed(SAFE_METHODS))
            user = resolve(name, token)
            return hide(cast(HttpResponseBase, view(request, user, **captured)))

        return cast(FeedView, login_not_required(answer))

    return decorate


def hide(response: HttpResponseBase) -> HttpResponseBase:
    """Return a response with the headers of one whose address is a secret."""
    no_store(response)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _feeds() -> models.QuerySet[FeedToken]:
    """Return the tokens as they are where they are written: a copy may be late."""
    return FeedToken.objects.using(router.db_for_write(FeedToken))


def _insert(**values: Any) -> bool:
    try:
        with transaction.atomic(using=router.db_for_write(FeedToken)):
            FeedToken.objects.create(**values)
    except IntegrityError:
        return False
    return True


@sensitive_variables()
def _bytes(feed: str, secret: str) -> bytes:
    return f"{feed}/{secret}".encode("ascii", "replace")
