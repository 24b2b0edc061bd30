"""What a new password has to be; each rule is one entry of `AUTH_PASSWORD_VALIDATORS`."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from bt_security.conf import conf
from bt_security.passwords.hashers import is_hashable

MIN_CHARACTERS = {"classes": 8, "nist": 15}
"""By profile. Source of the second: NIST SP 800-63B-4 section 3.1.1.2, one factor alone."""

LONGEST_PATTERN_CHARACTERS = 4
"""Longest text that counts as a pattern when a password consists of nothing else."""


class MinimumLengthValidator(password_validation.MinimumLengthValidator):
    """Django's minimum length, by default the one of the profile in force."""

    def __init__(self, min_length: int = 0) -> None:
        super().__init__(min_length)

    @property
    def min_length(self) -> int:
        """Characters, not bytes."""
        return self._given or MIN_CHARACTERS[conf.passwords.profile]

    @min_length.setter
    def min_length(self, given: int) -> None:
        self._given = given


class MaximumBytesValidator:
    """Refuses what is too long to be hashed, and text that is no UTF-8."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError, code `password_too_long`."""
        if not is_hashable(password):
            raise ValidationError(
                _("This password is too long. It can have at most %(max_bytes)d bytes."),
                code="password_too_long",
                params={"max_bytes": conf.passwords.max_bytes},
            )

    def get_help_text(self) -> str:
        """Return the limit in words."""
        text = _("Your password can have at most %(max_bytes)d bytes.")
        return text % {"max_bytes": conf.passwords.max_bytes}


class CharacterClassesValidator:
    """Asks for all four classes of characters; the profile `nist` asks for none.

    Letters and digits of every script count. What is neither a letter with a case nor a decimal
    digit is a special character.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError, code `password_lacks_classes`, with one message for all four."""
        if conf.passwords.profile == "nist" or _has_all_classes(password):
            return
        raise ValidationError(
            _(
                "This password must contain an upper-case letter, a lower-case letter, a digit "
                "and a special character."
            ),
            code="password_lacks_classes",
        )

    def get_help_text(self) -> str:
        """Return the rule in words."""
        if conf.passwords.profile == "nist":
            return _("Your password can contain any characters, spaces too.")
        return _(
            "Your password must contain an upper-case letter, a lower-case letter, a digit and a "
            "special character."
        )


class RepetitionValidator:
    """Refuses a password that is one short pattern over and over; not in the profile `nist`.

    `11111111`, `abababab` and `Aa1!Aa1!` are refused, `Aaaaaaaa1!` is not. Case does not count.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError, code `password_repetitive`."""
        if conf.passwords.profile == "nist" or not _is_repetitive(password.casefold()):
            return
        raise ValidationError(
            _("This password repeats the same few characters."), code="password_repetitive"
        )

    def get_help_text(self) -> str:
        """Return the rule in words."""
        if conf.passwords.profile == "nist":
            return _("Several words that have nothing to do with each other are a good password.")
        return _("Your password must not repeat the same few characters.")


def _has_all_classes(password: str) -> bool:
    distinct = set(password)  # first: a megabyte has few
    return len(set(map(_class_of, distinct))) == 4


def _class_of(character: str) -> str:
    if character.isupper():
        return "upper"
    if character.islower():
        return "lower"
    return "digit" if character.isdecimal() else "special"


def _is_repetitive(password: str) -> bool:
    """Whether a pattern fills it at least twice; the last repetition may be cut short."""
    longest = min(LONGEST_PATTERN_CHARACTERS, len(password) // 2)
    return any(password.startswith(password[size:]) for size in range(1, longest + 1))
