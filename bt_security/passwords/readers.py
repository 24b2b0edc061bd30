"""Django's other hashers, for hashes that are still stored: they refuse what is not hashed here.

Django hashes a right password anew at the log-in. A password that the preferred hasher refuses
must therefore be wrong for every other one, or its log-in would leave the account without any.
"""

from __future__ import annotations

from django.contrib.auth import hashers

from bt_security.passwords.hashers import PLACEHOLDER, is_hashable


class _Bounded(hashers.BasePasswordHasher):
    """Verifies an unhashable password as wrong, in the time of any other wrong one."""

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the password has this hash and may be hashed."""
        if is_hashable(password):
            return bool(super().verify(password, encoded))
        super().verify(PLACEHOLDER, encoded)
        return False


class PBKDF2PasswordHasher(_Bounded, hashers.PBKDF2PasswordHasher):
    """Django's PBKDF2 with SHA-256, bounded."""


class PBKDF2SHA1PasswordHasher(_Bounded, hashers.PBKDF2SHA1PasswordHasher):
    """Django's PBKDF2 with SHA-1, bounded."""


class Argon2PasswordHasher(_Bounded, hashers.Argon2PasswordHasher):
    """Django's Argon2, bounded; it needs argon2-cffi where such hashes are stored."""


class ScryptPasswordHasher(_Bounded, hashers.ScryptPasswordHasher):
    """Django's scrypt, bounded."""
