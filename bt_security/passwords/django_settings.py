"""The values of Django's own password settings, for a site's settings file."""

from __future__ import annotations

from typing import Any

_OURS = "bt_security.passwords"
_DJANGOS_RULES = "django.contrib.auth.password_validation"


def password_validators(
    *,
    min_characters: int | None = None,
    classes: bool = True,
    common: bool = True,
    repetitive: bool = True,
    similar: bool = True,
) -> list[dict[str, Any]]:
    """Return the value of `AUTH_PASSWORD_VALIDATORS`; each flag leaves one rule out.

    `BT_SECURITY_PASSWORDS_PROFILE` decides what the rules ask for. `min_characters` is for a site
    that wants another minimum than its profile has.
    """
    minimum: dict[str, Any] = {"NAME": f"{_OURS}.MinimumLengthValidator"}
    if min_characters is not None:
        minimum["OPTIONS"] = {"min_length": min_characters}
    chosen = {
        f"{_OURS}.CharacterClassesValidator": classes,
        f"{_OURS}.RepetitionValidator": repetitive,
        f"{_DJANGOS_RULES}.CommonPasswordValidator": common,
        f"{_DJANGOS_RULES}.UserAttributeSimilarityValidator": similar,
    }
    rest = [{"NAME": name} for name, is_chosen in chosen.items() if is_chosen]
    return [{"NAME": f"{_OURS}.MaximumBytesValidator"}, minimum, *rest]


def password_hashers() -> list[str]:
    """Return the value of `PASSWORD_HASHERS`: bcrypt-SHA256 first, then all that may be upgraded.

    A hash of any of them verifies, and becomes one of the first at the next log-in.
    """
    return [
        f"{_OURS}.BCryptSHA256PasswordHasher",
        f"{_OURS}.BCryptPasswordHasher",
        f"{_OURS}.PBKDF2PasswordHasher",
        f"{_OURS}.PBKDF2SHA1PasswordHasher",
        f"{_OURS}.Argon2PasswordHasher",
        f"{_OURS}.ScryptPasswordHasher",
    ]
