"""Random secrets with a checksum, so that scanners find a leaked one and mistakes cost no query.

`<kind>_<prefix of 8>_<43 + 6>`, or `<kind>_<43 + 6>`, in letters and digits: 256 random bits and
the CRC-32 of all that stands before it.
"""

from __future__ import annotations

import re
import secrets
import string
import zlib

from django.views.decorators.debug import sensitive_variables

PREFIX_CHARS = 8
SECRET_CHARS = 43
"""62 ** 43 is more than 2 ** 256."""
CHECKSUM_CHARS = 6

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_FORM = re.compile(r"[a-z]{3}_(?:[0-9A-Za-z]{8}_)?[0-9A-Za-z]{49}", re.ASCII)


@sensitive_variables()
def new_secret(kind: str, *, has_prefix: bool = False) -> str:
    """Return a new secret of a kind of three letters."""
    start = f"{kind}_{_random(PREFIX_CHARS)}_" if has_prefix else f"{kind}_"
    start += _random(SECRET_CHARS)
    return start + _checksum(start)


@sensitive_variables()
def is_well_formed(kind: str, text: object) -> bool:
    """Whether a text may be a secret of this kind: form and checksum are right. No I/O."""
    if not isinstance(text, str) or _FORM.fullmatch(text) is None:
        return False
    start, checksum = text[:-CHECKSUM_CHARS], text[-CHECKSUM_CHARS:]
    return text.startswith(f"{kind}_") and _checksum(start) == checksum


@sensitive_variables()
def shown_prefix(text: str) -> str:
    """Return the part of a secret that may be shown: kind and prefix."""
    return text.rpartition("_")[0]


def _random(chars: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(chars))


@sensitive_variables()
def _checksum(text: str) -> str:
    number, digits = zlib.crc32(text.encode("ascii")), ""
    for _ in range(CHECKSUM_CHARS):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
