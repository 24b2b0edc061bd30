"""Remember the browser at every log-in, while a feature that needs it is on."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connections, router, transaction
from django.http import HttpRequest

from bt_security.devices.remembering import note_login
from bt_security.exceptions import BTSecurityError
from bt_security.models import Device

logger = logging.getLogger("bt_security.devices")


def connect() -> None:
    """Connect the receiver; called where `sessions`, `ratelimit` or `history` is on."""
    user_logged_in.connect(remember_login, dispatch_uid="bt_security.devices.remember_login")


def remember_login(request: HttpRequest | None, user: AbstractBaseUser, **_: Any) -> None:
    """Store the device of a log-in. Receiver of `user_logged_in`; never fails the log-in."""
    if request is None or request.method is None:  # `force_login` of tests has no browser
        return
    try:
        with _guard():
            note_login(request, user)
    except BTSecurityError as error:
        logger.error("A browser could not be remembered (%s: %s).", type(error).__name__, error)
    except (Error, ImproperlyConfigured) as error:  # the text may hold values of the row
        logger.error("A browser could not be remembered (%s).", type(error).__name__)


def _guard() -> AbstractContextManager[Any]:
    """Return a savepoint, where a failure would otherwise spoil the caller's transaction."""
    using = router.db_for_write(Device)
    is_alone = not connections[using].in_atomic_block
    return nullcontext() if is_alone else transaction.atomic(using=using)
