"""Checks of the login history: what it would lose, and whom it could not tell."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage
from django.core.exceptions import FieldDoesNotExist

from bt_security.checks.directories import takes_files
from bt_security.checks.features import is_on
from bt_security.checks.finding import finding
from bt_security.checks.sessions import CACHE_ENGINE, DATABASE_ENGINE
from bt_security.conf import conf
from bt_security.conf.history import History


def check_spool(**_: Any) -> list[CheckMessage]:
    """Report a spool that log-ins cannot be written to (E180)."""
    if not is_on("history") or History.spool_dir.fault() is not None:
        return []  # E001 speaks of a fault
    directory = conf.history.spool_dir
    if not directory or takes_files(directory):
        return []
    return [
        finding(
            "E180",
            f"BT_SECURITY_HISTORY_SPOOL_DIR: log-ins cannot be written to {directory}.",
            hint="Name a directory by its whole path that the site's account may write to.",
        )
    ]


def check_sessions(**_: Any) -> list[CheckMessage]:
    """Report a history that cannot tell which sessions are live, nor end one (W180)."""
    if not is_on("history") or settings.SESSION_ENGINE in (DATABASE_ENGINE, CACHE_ENGINE):
        return []
    return [
        finding(
            "W180",
            f'The feature "history" is on, and SESSION_ENGINE is {settings.SESSION_ENGINE!r}: '
            "nobody sees which log-ins are still in use, and none can be ended, not by the link "
            "of a mail either.",
            hint=f"Set SESSION_ENGINE to {DATABASE_ENGINE!r} or {CACHE_ENGINE!r}, with the "
            'feature "sessions", and run manage.py adopt_sessions.',
        )
    ]


def check_addresses(**_: Any) -> list[CheckMessage]:
    """Report mails that nobody can get, because accounts have no address (W181)."""
    if not is_on("history") or not _sends_mails():
        return []
    model = get_user_model()
    field = model.get_email_field_name()
    try:
        model._meta.get_field(field)
    except FieldDoesNotExist:
        return [
            finding(
                "W181",
                f"Mails about log-ins are on, and {model._meta.label} has no field {field!r}: "
                "nobody gets one.",
                hint="Name the field with the address as EMAIL_FIELD of the user model, or set "
                "BT_SECURITY_HISTORY_MAIL_NEW_DEVICE and BT_SECURITY_HISTORY_MAIL_FACTOR_FAILED "
                "to False.",
            )
        ]
    return []


HISTORY_DEPLOY_CHECKS = (check_spool, check_sessions, check_addresses)


def _sends_mails() -> bool:
    if History.mail_new_device.fault() or History.mail_factor_failed.fault():
        return False  # E001 speaks of it
    return conf.history.mail_new_device or conf.history.mail_factor_failed
