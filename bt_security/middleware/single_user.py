"""Single-user mode: a visitor without a session is one regular account, never an administrator."""

from __future__ import annotations

import logging
from functools import cache

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from bt_security.conf import conf
from bt_security.conf.site import single_user_fault

logger = logging.getLogger("bt_security.accounts")

_ATTRIBUTE = "_bt_security_single_user"

Visitor = AbstractBaseUser | AnonymousUser


def attach_single_user(request: HttpRequest) -> None:
    """Make `request.user` and `request.auser()` give the account of `BT_SECURITY_SITE_SINGLE_USER`.

    Whoever has logged in stays who they are. The account is looked up when a view asks for it.

    Raises:
        ImproperlyConfigured: the setting is no text.
    """
    name = conf.site.single_user
    if not name:
        return
    user, auser = request.user, request.auser

    def attached() -> Visitor:
        return user if user.is_authenticated else _account(request, name)

    async def attached_later() -> Visitor:
        found = await auser()
        return found if found.is_authenticated else await sync_to_async(_account)(request, name)

    request.user = SimpleLazyObject(attached)  # type: ignore[assignment]
    request.auser = attached_later  # type: ignore[assignment]


def _account(request: HttpRequest, name: str) -> Visitor:
    known: Visitor | None = getattr(request, _ATTRIBUTE, None)
    if known is None:
        known = _load(name)
        setattr(request, _ATTRIBUTE, known)
    return known


def _load(name: str) -> Visitor:
    try:
        user = get_user_model()._default_manager.get_by_natural_key(name)
    except ObjectDoesNotExist:
        return _nobody("does not exist")
    fault = single_user_fault(user)
    return _nobody(fault) if fault else user


def _nobody(fault: str) -> AnonymousUser:
    _log(fault)
    return AnonymousUser()


@cache
def _log(fault: str) -> None:
    """Log it; `cache` makes that once per process and reason."""
    logger.error(
        "The account of BT_SECURITY_SITE_SINGLE_USER %s: visitors stay anonymous.",
        fault,
    )
