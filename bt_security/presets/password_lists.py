"""Values of Django's password settings, the same as those of `bt_security.passwords`."""

from __future__ import annotations

_OURS = "bt_security.passwords"
_DJANGOS_RULES = "django.contrib.auth.password_validation"

HASHERS = (
    f"{_OURS}.BCryptSHA256PasswordHasher",
    f"{_OURS}.BCryptPasswordHasher",
    f"{_OURS}.PBKDF2PasswordHasher",
    f"{_OURS}.PBKDF2SHA1PasswordHasher",
    f"{_OURS}.Argon2PasswordHasher",
    f"{_OURS}.ScryptPasswordHasher",
)
VALIDATORS = (
    f"{_OURS}.MaximumBytesValidator",
    f"{_OURS}.MinimumLengthValidator",
    f"{_OURS}.CharacterClassesValidator",
    f"{_OURS}.RepetitionValidator",
    f"{_DJANGOS_RULES}.CommonPasswordValidator",
    f"{_DJANGOS_RULES}.UserAttributeSimilarityValidator",
)
