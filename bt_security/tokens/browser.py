"""The browser that asked for a link: a short-lived cookie that the link's token is tied to."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.debug import sensitive_variables

from bt_security.conf import conf
from bt_security.conf.tokens import purpose_named, purpose_names

BROWSER_BYTES = 32

_VALUE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_ATTRIBUTE = "_bt_security_browser"


@sensitive_variables()
def this_browser(request: HttpRequest) -> str:
    """Return the value that stands for the browser: the one that it has, or a new one.

    `remember_browser` has to follow, whether or not a link was sent: an answer that sets the
    cookie only for known addresses would tell who has an account.
    """
    value: str = _sent(request) or getattr(request, _ATTRIBUTE, "")
    if not value:
        value = secrets.token_urlsafe(BROWSER_BYTES)
        setattr(request, _ATTRIBUTE, value)
    return value


def remember_browser(request: HttpRequest, response: HttpResponseBase) -> None:
    """Send the browser its cookie: HttpOnly, Lax, for as long as the longest of such links."""
    bound = [purpose for purpose in map(purpose_named, purpose_names()) if purpose.needs_browser]
    response.set_cookie(
        conf.tokens.full_browser_cookie_name(),
        this_browser(request),
        max_age=max(conf.tokens.lifetime_of(purpose) for purpose in bound),
        secure=conf.tokens.is_always_secure() or request.is_secure(),
        httponly=True,
        samesite="Lax",  # the click comes from a mail program or another site
    )


@sensitive_variables()
def mark_of_browser(browser: str, jti: str) -> str:
    """Return what stands in the token `jti` for a browser."""
    return hashlib.sha256(f"{jti}.{browser}".encode()).hexdigest()


@sensitive_variables()
def is_of_browser(request: HttpRequest, mark: str, jti: str) -> bool:
    """Whether the request comes from the browser that a token is tied to."""
    sent = _sent(request)
    return bool(sent) and hmac.compare_digest(mark_of_browser(sent, jti), mark)


def _sent(request: HttpRequest) -> str:
    value = request.COOKIES.get(conf.tokens.full_browser_cookie_name(), "")
    return value if _VALUE.fullmatch(value) else ""
