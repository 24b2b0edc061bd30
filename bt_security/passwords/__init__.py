"""Passwords: what a new one has to be, and how it is hashed.

A settings file may import from here.
"""

from __future__ import annotations

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
    "password_hashers",
    "password_validators",
]
