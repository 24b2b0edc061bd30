"""The device cookie: a random value that says nothing and outlives the session."""

from __future__ import annotations

import re
import secrets

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from bt_security.conf import conf
from bt_security.keys import keyed_digest, keyed_digests

PURPOSE = "device"
TOKEN_BYTES = 32

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_DAY_SECONDS = 86_400
_HIDDEN = "_bt_security_sent_device_token"


def new_token() -> str:
    """Return a value for a new cookie: 256 random bits."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def sent_token(request: HttpRequest) -> str:
    """Return the value that the browser sent, "" if there is none or it has another form."""
    hidden: str | None = getattr(request, _HIDDEN, None)
    value = request.COOKIES.get(conf.devices.full_cookie_name(), "") if hidden is None else hidden
    return value if _TOKEN.fullmatch(value) else ""


def hide_token(request: HttpRequest) -> None:
    """Take the cookie out of `request.COOKIES`, which error reports show; `sent_token` has it."""
    value = request.COOKIES.pop(conf.devices.full_cookie_name(), None)
    if value is not None:
        setattr(request, _HIDDEN, value)


def stored_digest(token: str) -> str:
    """Return what is stored for a token."""
    return keyed_digest(PURPOSE, token.encode("ascii"))


def looked_up_digests(token: str) -> list[str]:
    """Return what a token may be stored as, under every generation of the key."""
    return keyed_digests(PURPOSE, token.encode("ascii"))


def set_cookie(request: HttpRequest, response: HttpResponseBase, token: str) -> None:
    """Send the token to the browser. HttpOnly, Lax, for the whole site and this host only."""
    response.set_cookie(
        conf.devices.full_cookie_name(),
        token,
        max_age=conf.devices.cookie_age_days * _DAY_SECONDS,
        secure=conf.devices.is_always_secure() or request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
