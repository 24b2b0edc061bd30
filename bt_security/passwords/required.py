"""Passwords that somebody else may know: they work on, and are changed before anything else."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser

from bt_security.models import TemporaryPassword
from bt_security.models.temporary_password import digest_of
from bt_security.passwords.enforcement import faults


def require_change(user: AbstractBaseUser) -> bool:
    """Let a user do nothing but change the password, from the next log-in on.

    False, and nothing is stored, where nothing would lead them to the change, or where there is no
    password to change. A temporary password stays one: it has to be changed anyway, and runs out.

    Raises:
        ImproperlyConfigured: one of our own settings is refused.
    """
    if faults() or not user.has_usable_password():
        return False
    rows = TemporaryPassword.objects
    if rows.tied_to(user) is None:
        of_now = {"digest": digest_of(user.password), "expires_at": None}
        rows.update_or_create(user_id=user.pk, defaults=of_now)
    return True
