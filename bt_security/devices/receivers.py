"""Remember the browser at every log-in, while a feature that needs it is on."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest

from bt_security.devices.remembering import note_login
from bt_security.exceptions import BTSecurityError

logger = logging.getLogger("bt_security.devices")


def connect() -> None:
    """Connect the receiver; called where `sessions`, `ratelimit` or `history` is on."""
    user_logged_in.connect(remember_login, dispatch_uid="bt_security.devices.remember_login")


def remember_login(request: HttpRequest | None, user: AbstractBaseUser, **_: Any) -> None:
    """Store the device of a log-in. Receiver of `user_logged_in`; never fails the log-in."""
    if request is None or request.method is None:  # `force_login` of tests has no browser
        return
    try:
        note_login(request, user)
    except BTSecurityError as error:
        logger.error("A browser could not be remembered (%s: %s).", type(error).__name__, error)
