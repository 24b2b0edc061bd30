"""Checks of Django's password settings while the feature `passwords` is on."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from bt_security.checks.finding import finding
from bt_security.conf import conf

OURS = "bt_security.passwords."
PLAIN_BCRYPT = "BCryptPasswordHasher"
DJANGOS_BCRYPT = f"django.contrib.auth.hashers.{PLAIN_BCRYPT}"
WEAK_HASHERS = frozenset(
    {PLAIN_BCRYPT, "MD5PasswordHasher", "UnsaltedMD5PasswordHasher", "UnsaltedSHA1PasswordHasher"}
)


def check_validators(**_: Any) -> list[CheckMessage]:
    """Report that no password rule of this package is in force (E062)."""
    names = [str(entry.get("NAME")) for entry in settings.AUTH_PASSWORD_VALIDATORS]
    if not _is_on() or any(name.startswith(OURS) for name in names):
        return []
    return [
        finding(
            "E062",
            'BT_SECURITY_FEATURES lists "passwords", and AUTH_PASSWORD_VALIDATORS has none of '
            "this package's rules.",
            hint="Set AUTH_PASSWORD_VALIDATORS = bt_security.passwords.password_validators().",
        )
    ]


def check_imported_hashes(**_: Any) -> list[CheckMessage]:
    """Report Django's reader of `bcrypt$` hashes, which breaks on long passwords (W062)."""
    if not _is_on() or DJANGOS_BCRYPT not in settings.PASSWORD_HASHERS:
        return []
    return [
        finding(
            "W062",
            f"{DJANGOS_BCRYPT} raises ValueError at log-in with a password of more than 72 bytes.",
            hint=f"Put {OURS}{PLAIN_BCRYPT} into PASSWORD_HASHERS in its place.",
        )
    ]


def check_preferred_hasher(**_: Any) -> list[CheckMessage]:
    """Report a hasher that is too weak for new passwords (W063)."""
    preferred = next(iter(settings.PASSWORD_HASHERS), "")
    if not _is_on() or preferred.rpartition(".")[2] not in WEAK_HASHERS:
        return []
    return [
        finding(
            "W063",
            f"New passwords are hashed by {preferred}, the first of PASSWORD_HASHERS.",
            hint=f"Put {OURS}BCryptSHA256PasswordHasher first; old hashes are upgraded at log-in.",
        )
    ]


PASSWORD_CHECKS = (check_validators, check_imported_hashes)
PASSWORD_DEPLOY_CHECKS = (check_preferred_hasher,)


def _is_on() -> bool:
    try:
        return conf.has_feature("passwords")
    except ImproperlyConfigured:
        return False  # E001 and E002 speak of it
