"""What ties a token to the present state of an account."""

from __future__ import annotations

import hmac

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import models, router
from django.views.decorators.debug import sensitive_variables

from bt_security.conf.secret_key import derived_keys
from bt_security.conf.tokens import Purpose
from bt_security.exceptions import TokenRefused

LABEL = b"bt-security/token-binding/v1"
MARK_CHARS = 32


def mark_of(user: AbstractBaseUser) -> str:
    """Return what stands in a token for password hash and address of a user."""
    return _marks(user)[0]


def bound_user(
    purpose: Purpose, subject: str, mark: str, *, is_locked: bool = False
) -> AbstractBaseUser:
    """Return the user that a token acts on; `is_locked` locks the row, in a transaction.

    Raises:
        TokenRefused: deleted or deactivated, or changed, unless the purpose outlives that.
    """
    user = _find(subject, is_locked=is_locked)
    if user is None:
        raise TokenRefused("account_gone")
    if not user.is_active and not purpose.allows_inactive:
        raise TokenRefused("account_inactive")
    if purpose.outlives_changes:
        return user
    if not any(hmac.compare_digest(mark.encode(), known.encode()) for known in _marks(user)):
        raise TokenRefused("account_changed")
    return user


def users_alias() -> str:
    """Return the database alias where users are written."""
    return router.db_for_write(get_user_model())


def wait_for_turn(user: AbstractBaseUser) -> None:
    """Let one transaction at a time make tokens of a user.

    An update that changes nothing: unlike a locking read it also makes SQLite wait, and it does
    not collide with the locks that foreign keys take on PostgreSQL.
    """
    users = get_user_model()._base_manager.using(users_alias())
    users.filter(pk=user.pk).update(password=models.F("password"))


def known_users() -> models.QuerySet[AbstractBaseUser]:
    """Return the users whom Django's own log-in finds: a site may hide those who are deleted."""
    return get_user_model()._default_manager.using(users_alias())


def is_known() -> models.Exists:
    """Return the condition on a token's row that Django's own log-in finds its user."""
    return models.Exists(known_users().filter(pk=models.OuterRef("user_id")))


def _find(subject: str, *, is_locked: bool) -> AbstractBaseUser | None:
    users = known_users().select_related(None)
    if is_locked:
        users = users.select_for_update()
    try:
        return users.filter(pk=subject).first()
    except (ValueError, ValidationError):  # the key of another user model
        return None


@sensitive_variables()
def _marks(user: AbstractBaseUser) -> list[str]:
    """Return the mark under `SECRET_KEY`, then those under its fallbacks."""
    address = getattr(user, user.get_email_field_name(), None) or ""
    parts = [user.password.encode("utf-8"), str(address).strip().lower().encode("utf-8")]
    state = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return [hmac.digest(key, state, "sha256").hex()[:MARK_CHARS] for key in derived_keys(LABEL)]
