"""bcrypt in the two forms that Django stores, without the inputs that break it."""

from __future__ import annotations

import re

import bcrypt
from django.contrib.auth import hashers
from django.utils.encoding import force_bytes

from bt_security.conf import conf

BCRYPT_MAX_BYTES = 72
"""What bcrypt itself reads of a password; the original implementations ignore the rest."""

# bcrypt raises for anything else, and versions before 5.0 do it by a Rust panic.
_FORM = re.compile(
    r"bcrypt\$\$2[abxy]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}"
)
PLACEHOLDER = "hashed in place of a password that is refused"


def is_hashable(password: str | bytes) -> bool:
    """Whether a password is UTF-8 text of at most `BT_SECURITY_PASSWORDS_MAX_BYTES`."""
    max_bytes = conf.passwords.max_bytes
    if len(password) > max_bytes:
        return False
    try:
        return len(force_bytes(password)) <= max_bytes
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can hold
        return False


class BCryptSHA256PasswordHasher(hashers.BCryptSHA256PasswordHasher):
    """Django's bcrypt-SHA256 at cost 12; hashes of both classes are the same.

    A password that is too long or no UTF-8 is never hashed. It verifies as wrong in the time of
    any other wrong one, and setting it gives an unusable password, like `set_unusable_password`.
    """

    rounds = 12

    def encode(self, password: str, salt: str) -> str:
        """Return the hash as Django stores it."""
        if is_hashable(password):
            return self._encode(password, salt)
        self._encode(PLACEHOLDER, salt)
        return hashers.make_password(None)

    def _encode(self, password: str, salt: str) -> str:
        return super().encode(password, salt)


class BCryptPasswordHasher(BCryptSHA256PasswordHasher):
    """Verifies plain bcrypt hashes of other systems: `$2a$…`, `$2b$…`, `$2y$…` after `bcrypt$`.

    It is for upgrades at log-in and never the first of `PASSWORD_HASHERS`: of a long password only
    the first 72 bytes count, as in the implementation that made the hash. Django's class of the
    same name raises ValueError for these since bcrypt 5.0.
    """

    algorithm = "bcrypt"
    digest = None

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the password has this hash; a malformed hash is nobody's."""
        return _FORM.fullmatch(encoded) is not None and super().verify(password, encoded)

    def _encode(self, password: str, salt: str) -> str:
        hashed = bcrypt.hashpw(force_bytes(password)[:BCRYPT_MAX_BYTES], force_bytes(salt))
        return f"{self.algorithm}${hashed.decode('ascii')}"
