"""Temporary passwords: made here, told once, changed by their owner at the first log-in."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ImproperlyConfigured
from django.db import router, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from bt_security import audit
from bt_security.audit.recording import Who
from bt_security.conf import conf
from bt_security.models import TemporaryPassword
from bt_security.models.temporary_password import digest_of
from bt_security.passwords.enforcement import faults

LETTERS = "acdefhjkmnprtvwxy"
DIGITS = "23456789"
"""Without what is mistaken for something else: 0 o, 1 i l, 2 z, 5 s, 6 b, 8 b, 9 g q, u v."""

GROUPS = 5
GROUP_CHARS = 4
ACTION = "user.temporary_password"


@sensitive_variables()
def issue_temporary_password(user: AbstractBaseUser, *, actor: Who = None) -> str:
    """Give a user a new password, and return it: it is stored as a hash only.

    It works for `BT_SECURITY_PASSWORDS_TEMPORARY_HOURS` and has to be changed before anything else.
    The user's sessions end. Recorded as `user.temporary_password`, done by `actor`, by default
    whoever is known to act.

    Raises:
        ImproperlyConfigured: nothing would end it; the message names what is missing.
        AuditUnavailable: it cannot be recorded, so nothing has changed.
    """
    if found := faults():
        raise ImproperlyConfigured(f"No temporary password is given: {'; '.join(found)}.")
    password = new_password()
    expires_at = timezone.now() + timedelta(hours=conf.passwords.temporary_hours)
    with transaction.atomic(using=router.db_for_write(type(user))):
        user.set_password(password)
        user.save(update_fields=["password"])
        TemporaryPassword.objects.update_or_create(
            user_id=user.pk, defaults={"digest": digest_of(user.password), "expires_at": expires_at}
        )
        until = expires_at.isoformat(timespec="seconds")
        audit.record(ACTION, target=user, details={"expires_at": until}, actor=actor)
    return password


@sensitive_variables()
def new_password() -> str:
    """Return a random password of 92 bits like `K7MR-x3pd-9fhw-enc4-v8ak`.

    Of all four classes: the letters of the first group are capitals, so none has to be told from
    its small one.
    """
    while True:
        groups = [_group() for _ in range(GROUPS)]
        password = "-".join([groups[0].upper(), *groups[1:]])
        kinds = (str.isupper, str.islower, str.isdecimal)
        if all(any(map(is_kind, password)) for is_kind in kinds):
            return password


def _group() -> str:
    return "".join(secrets.choice(LETTERS + DIGITS) for _ in range(GROUP_CHARS))
