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
UNBOUNDED_READERS = frozenset(
    f"django.contrib.auth.hashers.{kind}PasswordHasher"
    for kind in ("PBKDF2", "PBKDF2SHA1", "Argon2", "Scrypt")
)
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


def check_readers(**_: Any) -> list[CheckMessage]:
    """Report hashers of Django that accept what our preferred one does not hash (W064)."""
    hashers = list(settings.PASSWORD_HASHERS)
    unbounded = [name for name in hashers[1:] if name in UNBOUNDED_READERS]
    if not _is_on() or hashers[:1] != [f"{OURS}BCryptSHA256PasswordHasher"] or not unbounded:
        return []
    return [
        finding(
            "W064",
            f"{', '.join(unbounded)}: an account whose password is longer than "
            "BT_SECURITY_PASSWORDS_MAX_BYTES loses it at its next log-in.",
            hint="Set PASSWORD_HASHERS = bt_security.passwords.password_hashers(): its classes of "
            "the same names read the same hashes.",
        )
    ]


PASSWORD_CHECKS = (check_validators, check_imported_hashes, check_readers)
PASSWORD_DEPLOY_CHECKS = (check_preferred_hasher,)


def _is_on() -> bool:
    try:
        return conf.has_feature("passwords")
    except ImproperlyConfigured:
        return False  # E001 and E002 speak of it
