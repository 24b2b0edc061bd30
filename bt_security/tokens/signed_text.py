"""What a signed token says, and its text: signed by Django with a salt for each purpose.

The text is `content.signature` in base64url. Content is readable to whoever holds the token.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.signing import BadSignature, Signer
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from bt_security.exceptions import TokenRefused

SALT = "bt_security.tokens:"
MAX_CHARS = 2048
"""Longer ones are neither issued nor looked at; a link of this length passes every mail client."""

_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """The content of a token; the names are short because it travels in links.

    `aud` is the purpose, `jti` the token's own id in hex, `exp` seconds since 1970, `uses` 0 for
    any number. `acc` binds it to a state of the account, `dev` to a browser.
    """

    aud: str
    sub: str
    jti: str
    exp: int
    uses: int
    acc: str
    dev: str
    data: dict[str, Any]

    @property
    def token_id(self) -> UUID:
        """The id under which uses are counted."""
        return UUID(hex=self.jti)

    @property
    def expires_at(self) -> datetime:
        """End of the token, aware and in UTC."""
        return datetime.fromtimestamp(self.exp, tz=UTC)


@sensitive_variables()
def write(payload: Payload) -> str:
    """Return the token.

    Raises:
        ValueError: it would be too long: `data` holds too much.
        TypeError: `data` holds what JSON has not.
    """
    token = _signer(payload.aud).sign_object(asdict(payload))
    if len(token) > MAX_CHARS:
        raise ValueError("the token is too long: put less into its data")
    return token


@sensitive_variables()
def read(purpose: str, token: str) -> Payload:
    """Return the content of a token of this purpose that has not expired. No I/O.

    Raises:
        TokenRefused: for every other text.
    """
    if not isinstance(token, str) or len(token) > MAX_CHARS or not _FORM.fullmatch(token):
        raise TokenRefused("malformed")
    try:
        payload = _checked(Payload(**_signer(purpose).unsign_object(token)))
    except BadSignature:
        raise TokenRefused("signature") from None
    except (OSError, OverflowError, TypeError, ValueError):  # times that no clock can show
        raise TokenRefused("malformed") from None
    if payload.aud != purpose:
        raise TokenRefused("purpose")
    if payload.expires_at <= timezone.now():
        raise TokenRefused("expired")
    return payload


def _signer(purpose: str) -> Signer:
    return Signer(salt=SALT + purpose, sep=".")


def _checked(payload: Payload) -> Payload:
    """Return the payload if id and time can be read.

    Raises:
        OSError, OverflowError, TypeError, ValueError: they cannot.
    """
    if not isinstance(payload.jti, str) or not payload.token_id or not payload.expires_at:
        raise TypeError
    return payload
