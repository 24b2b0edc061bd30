"""Mails about log-ins that their owner should know of."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, router, transaction
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from bt_security import mail, tokens
from bt_security.conf import conf
from bt_security.conf.tokens import purpose_named
from bt_security.exceptions import BTSecurityError
from bt_security.models import Device, LoginEvent, LoginOutcome
from bt_security.models.login_event import LoginEventQuerySet

logger = logging.getLogger("bt_security.history")

PURPOSE = "login_alert"
PAGE_NAME = "bt_security:account-not-me"
EVENT = "event"
"""The name of the event's `uid` in the data of a token."""

NEW_DEVICE = "new_device"
FACTOR_FAILED = "factor_failed"

MAILS_PER_HOUR = {NEW_DEVICE: 5, FACTOR_FAILED: 1}
"""Of one kind to one user, in an hour of the clock.

Whoever tries codes tries many, and one mail says so. A program without cookies is a new device each
time; there some mails are let through, or a log-in of the owner would hide a stranger's.
"""

ASLEEP = timedelta(days=30)
"""So long a history has to reach back before an account without log-ins in it is no new one."""

_EXPECTED = (Error, BTSecurityError, ImproperlyConfigured)


def notify(event: LoginEvent, request: HttpRequest | None) -> None:
    """Send the mail that a stored event is worth, once it is committed. Never raises.

    Whether it is due is found out then too, so that the log-in's own transaction has no part in it.
    """
    try:
        kind = _kind_of(event)
        if kind:
            transaction.on_commit(partial(_tell, event, kind, _page(request)), using=_alias())
    except _EXPECTED as error:
        _log(event, error)


def page_path() -> str:
    """Return the path of the page that mails link to, "" where the site does not have it."""
    try:
        return reverse(PAGE_NAME)
    except NoReverseMatch:
        return ""


def _kind_of(event: LoginEvent) -> str:
    """Return which mail an event may be worth, "" for none. No I/O."""
    if event.user_id is None:
        return ""
    if event.outcome == LoginOutcome.SUCCESS:
        return NEW_DEVICE if event.is_new_device and conf.history.mail_new_device else ""
    is_failed_factor = event.outcome == LoginOutcome.FACTOR_FAILED
    return FACTOR_FAILED if is_failed_factor and conf.history.mail_factor_failed else ""


def _page(request: HttpRequest | None) -> str:
    path = page_path()
    return mail.link_to(path, request) if path else ""


@sensitive_variables()
def _tell(event: LoginEvent, kind: str, page: str) -> None:
    """Send the mail if it is due."""
    try:
        user = get_user_model()._base_manager.filter(pk=cast(Any, event.user_id)).first()
        if user is None or not _address_of(user) or not _is_due(event, kind, user):
            return
        context, language = _context(event, page, user), mail.language_of(user)
    except Exception as error:  # noqa: BLE001 - the user model is the site's own
        _log(event, error)
        return
    mail.send_later(to=_address_of(user), template=kind, context=context, language=language)


def _is_due(event: LoginEvent, kind: str, user: AbstractBaseUser) -> bool:
    """Whether this is not the first device of an account, and not one mail of too many."""
    most = MAILS_PER_HOUR[kind]
    if _before(event, kind)[:most].count() >= most:
        return False
    return kind == FACTOR_FAILED or _was_known(event) or _was_asleep(event, user)


def _before(event: LoginEvent, kind: str) -> LoginEventQuerySet:
    """Return the events of this kind that the same hour of the clock has had already."""
    hour = event.happened_at.replace(minute=0, second=0, microsecond=0)
    same = {"is_new_device": True} if kind == NEW_DEVICE else {}
    earlier = _of_user(event).before(event.happened_at, event.pk)
    return earlier.filter(outcome=event.outcome, happened_at__gte=hour, **same)


def _was_known(event: LoginEvent) -> bool:
    """Whether the account was in use before: its first device is news to nobody."""
    devices = Device.objects.using(router.db_for_write(Device)).for_user(event.user_id)
    if devices.exclude(pk=cast(Any, event.device_id)).exists():
        return True
    earlier = _of_user(event).before(event.happened_at, event.pk)
    return earlier.filter(outcome=LoginOutcome.SUCCESS).exists()


def _was_asleep(event: LoginEvent, user: AbstractBaseUser) -> bool:
    """Whether the account is older than all that is kept of log-ins.

    Then it is not new: nobody has used it for long, and its devices may be deleted by now. Thieves
    like such accounts. Where the history is new itself, it tells nothing.
    """
    joined = getattr(user, "date_joined", None)
    times = LoginEvent.objects.using(_alias()).order_by("happened_at", "pk")
    oldest = times.values_list("happened_at", flat=True).first()
    if not isinstance(joined, datetime) or oldest is None:
        return False
    return joined < oldest <= event.happened_at - ASLEEP


def _of_user(event: LoginEvent) -> LoginEventQuerySet:
    return LoginEvent.objects.using(_alias()).for_user(event.user_id)


@sensitive_variables()
def _context(event: LoginEvent, page: str, user: AbstractBaseUser) -> dict[str, Any]:
    """Return what the templates show.

    Nothing that somebody chooses: no name of the account, which another may have made with this
    address, and of the browser one of our own words. No network address either: it would stay in
    mailboxes, and helps few people to know themselves.
    """
    link = ""
    if page:
        token = tokens.issue(PURPOSE, user, data={EVENT: str(event.uid)})
        link = f"{page}?{urlencode({'token': token})}"
    lifetime = timedelta(seconds=conf.tokens.lifetime_of(purpose_named(PURPOSE)))
    return {
        "site": urlsplit(page).netloc,
        "happened_at": event.happened_at,
        "browser": event.device_label,
        "link": link,
        "until": timezone.now() + lifetime,
    }


def _address_of(user: AbstractBaseUser) -> str:
    address = getattr(user, user.get_email_field_name(), "")
    return address if isinstance(address, str) else ""


def _alias() -> str:
    return router.db_for_write(LoginEvent)


def _log(event: LoginEvent, error: Exception) -> None:
    """Log by the kind of the error alone: its text may quote what the mail would say."""
    logger.error("No mail was sent of the log-in %s (%s).", event.uid, type(error).__name__)
