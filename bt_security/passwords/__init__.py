"""Passwords: what a new one has to be, and how it is hashed.

A settings file may import from here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bt_security.passwords.django_settings import password_hashers, password_validators
from bt_security.passwords.hashers import BCryptPasswordHasher, BCryptSHA256PasswordHasher
from bt_security.passwords.readers import (
    Argon2PasswordHasher,
    PBKDF2PasswordHasher,
    PBKDF2SHA1PasswordHasher,
    ScryptPasswordHasher,
)
from bt_security.passwords.validators import (
    CharacterClassesValidator,
    MaximumBytesValidator,
    MinimumLengthValidator,
    RepetitionValidator,
)

if TYPE_CHECKING:
    from bt_security.passwords.temporary import issue_temporary_password

__all__ = [
    "Argon2PasswordHasher",
    "BCryptPasswordHasher",
    "BCryptSHA256PasswordHasher",
    "CharacterClassesValidator",
    "MaximumBytesValidator",
    "MinimumLengthValidator",
    "PBKDF2PasswordHasher",
    "PBKDF2SHA1PasswordHasher",
    "RepetitionValidator",
    "ScryptPasswordHasher",
    "issue_temporary_password",
    "password_hashers",
    "password_validators",
]

_ISSUE = "issue_temporary_password"


def __getattr__(name: str) -> Any:
    """Give what needs the models, which a settings file comes before."""
    if name != _ISSUE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("bt_security.passwords.temporary"), name)
