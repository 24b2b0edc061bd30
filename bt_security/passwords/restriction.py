"""Sessions of users who have to change their password: they can do nothing else."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, update_last_login
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from bt_security.models import TemporaryPassword
from bt_security.models.temporary_password import digest_of
from bt_security.passwords import tying
from bt_security.ratelimit.run_out import is_by_password, row_before

MARK = "_bt_security_password_change"
LAST_LOGIN = "update_last_login"


def connect() -> None:
    """Connect the receivers; called where the feature `passwords` is on."""
    tying.connect()
    user_logged_in.connect(mark, dispatch_uid="bt_security.passwords.mark")
    if user_logged_in.disconnect(dispatch_uid=LAST_LOGIN):  # Django's, of an app before this one
        user_logged_in.connect(update_last_login, dispatch_uid=LAST_LOGIN)


def mark(request: HttpRequest | None, user: AbstractBaseUser, **_: Any) -> None:
    """Mark the session of a log-in while the user's password has to be changed.

    A backend may find accounts by what `LimitedBackend` does not look for, such as an address. So a
    password that has run out is refused here once more; a log-in without one is let in.

    Raises:
        PermissionDenied: the password has run out.
    """
    session = getattr(request, "session", None)
    if request is None or session is None:
        return
    row = _row_of(request, user)
    if row is None:
        return
    if not row.is_over():
        session[MARK] = True
    elif is_by_password(request):
        session.flush()
        request.user = AnonymousUser()
        raise PermissionDenied


def is_marked(request: HttpRequest) -> bool:
    """Whether the session has the mark; no query for visitors without a session.

    Looking is no use of the session: public pages stay the same for everybody.
    """
    session: Any = getattr(request, "session", None)
    if session is None or session.session_key is None:
        return False
    accessed = session.accessed
    is_there = MARK in session
    session.accessed = accessed or is_there
    return is_there


async def ais_marked(request: HttpRequest) -> bool:
    """Do what `is_marked` does without blocking the event loop."""
    session: Any = getattr(request, "session", None)
    if session is None or session.session_key is None:
        return False
    accessed = session.accessed
    is_there: bool = await session.ahas_key(MARK)
    session.accessed = accessed or is_there
    return is_there


def has_to_change(request: HttpRequest) -> bool:
    """Whether the user of a marked session still has the password that has to be changed.

    Takes the mark away if not.
    """
    user = request.user
    if user.is_authenticated and TemporaryPassword.objects.tied_to(user) is not None:
        return True
    request.session.pop(MARK, None)
    return False


def _row_of(request: HttpRequest, user: AbstractBaseUser) -> TemporaryPassword | None:
    """Return the row, tied to the password anew if Django has just hashed it anew."""
    row = TemporaryPassword.objects.tied_to(user)
    before = row_before(request)
    if row is not None or before is None or before.user_id != user.pk:
        return row
    before.digest = digest_of(user.password)
    before.save(update_fields=["digest"])
    return before
