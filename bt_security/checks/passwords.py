"""Checks of Django's password settings while the feature `passwords` is on."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage

from bt_security.checks.features import is_on
from bt_security.checks.finding import finding

OURS = "bt_security.passwords."
PLAIN_BCRYPT = "BCryptPasswordHasher"
DJANGOS_BCRYPT = f"django.contrib.auth.hashers.{PLAIN_BCRYPT}"
UNBOUNDED_READERS = frozenset(
    f"django.contrib.auth.hashers.{kind}PasswordHasher"
    for kind in ("PBKDF2", "PBKDF2SHA1", "Argon2", "Scrypt")
)
LENGTH_RULE = "MinimumLengthValidator"
LENGTH_RULES = (f"{OURS}{LENGTH_RULE}", f"django.contrib.auth.password_validation.{LENGTH_RULE}")
MIN_CHARACTERS = 8
"""Fewest that any profile asks for. Source: NIST SP 800-63B-4 section 3.1.1.2."""
WEAK_HASHERS = frozenset(
    {PLAIN_BCRYPT, "MD5PasswordHasher", "UnsaltedMD5PasswordHasher", "UnsaltedSHA1PasswordHasher"}
)


def check_validators(**_: Any) -> list[CheckMessage]:
    """Report that no password rule of this package is in force (E062)."""
    names = [str(entry.get("NAME")) for entry in settings.AUTH_PASSWORD_VALIDATORS]
    if not is_on("passwords") or any(name.startswith(OURS) for name in names):
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
    if not is_on("passwords") or DJANGOS_BCRYPT not in settings.PASSWORD_HASHERS:
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
    if not is_on("passwords") or preferred.rpartition(".")[2] not in WEAK_HASHERS:
        return []
    return [
        finding(
            "W063",
            f"New passwords are hashed by {preferred}, the first of PASSWORD_HASHERS.",
            hint=f"Put {OURS}BCryptSHA256PasswordHasher first; old hashes are upgraded at log-in.",
        )
    ]


def check_minimum_length(**_: Any) -> list[CheckMessage]:
    """Report that new passwords may have less than eight characters (W065)."""
    lengths = [
        (entry.get("OPTIONS") or {}).get("min_length") or MIN_CHARACTERS
        for entry in settings.AUTH_PASSWORD_VALIDATORS
        if entry.get("NAME") in LENGTH_RULES
    ]
    if not is_on("passwords") or not lengths or max(lengths) >= MIN_CHARACTERS:
        return []
    return [
        finding(
            "W065",
            f"AUTH_PASSWORD_VALIDATORS asks for {max(lengths)} characters only: what has less than "
            f"{MIN_CHARACTERS} is guessed.",
            hint="Leave min_characters (min_length) out, and the profile decides.",
        )
    ]


def check_readers(**_: Any) -> list[CheckMessage]:
    """Report hashers of Django that accept what our preferred one does not hash (W064)."""
    hashers = list(settings.PASSWORD_HASHERS)
    unbounded = [name for name in hashers[1:] if name in UNBOUNDED_READERS]
    is_bounded = hashers[:1] == [f"{OURS}BCryptSHA256PasswordHasher"]
    if not is_on("passwords") or not is_bounded or not unbounded:
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
PASSWORD_DEPLOY_CHECKS = (check_preferred_hasher, check_minimum_length)
