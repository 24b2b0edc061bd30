"""Settings of signed, API and feed tokens."""

from __future__ import annotations

import re

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from bt_security.conf._declare import Section, setting
from bt_security.conf._purposes import (
    MAX_LIFETIME_SECONDS,
    MIN_LIFETIME_SECONDS,
    Purpose,
    is_lifetime,
    purpose_named,
    purpose_names,
    register,
)

__all__ = [
    "MAX_LIFETIME_SECONDS",
    "MIN_LIFETIME_SECONDS",
    "Purpose",
    "Tokens",
    "is_lifetime",
    "is_scope",
    "purpose_named",
    "purpose_names",
    "register",
]

# The characters that RFC 6749 section 3.3 allows, without those that need quoting in a header.
_SCOPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,49}", re.ASCII)


class Tokens(Section, prefix="TOKENS"):
    """How long a token of each kind lives, and what API tokens may be made for."""

    lifetime_seconds = setting(
        {},
        shape=dict[str, int],
        help="Purposes of signed tokens whose lifetime differs from the default, from 60 seconds "
        'to 366 days: `{"invite": 86400}`.',
    )
    bearer = setting(
        False,
        help="Whether the JSON API takes API tokens, on those of its routes that name a scope. "
        "Views with `api_token_required` do not ask this setting.",
    )
    scopes = setting(
        [],
        shape=list[str],
        help="Scopes that users may give to API tokens which they make by the JSON API.",
    )
    api_lifetime_days = setting(
        90,
        minimum=1,
        maximum=3650,
        help="Time for which an API token is good unless it is made for less.",
    )
    api_max_per_user = setting(
        10, minimum=1, maximum=1000, help="API tokens that a user may have at one time."
    )
    browser_cookie_name = setting(
        "bt_link",
        help="Name of the cookie that ties a log-in link to the browser that asked for it. "
        "`__Host-` stands before it where `SESSION_COOKIE_SECURE` is on.",
    )

    def lifetime_of(self, purpose: Purpose) -> int:
        """Return for how many seconds tokens of a purpose live on this site.

        Raises:
            ImproperlyConfigured: the setting has a number that is out of range.
        """
        seconds = self.lifetime_seconds.get(purpose.name, purpose.lifetime_seconds)
        if not is_lifetime(seconds):
            raise ImproperlyConfigured(
                f"BT_SECURITY_TOKENS_LIFETIME_SECONDS[{purpose.name!r}] is out of range: "
                f"{MIN_LIFETIME_SECONDS} to {MAX_LIFETIME_SECONDS} is allowed."
            )
        return seconds

    def is_always_secure(self) -> bool:
        """Whether the site's cookies are Secure whatever the request is: Django's own setting."""
        return bool(settings.SESSION_COOKIE_SECURE)

    def full_browser_cookie_name(self) -> str:
        """Return the name that the cookie has on this site; it never depends on the request."""
        name = self.browser_cookie_name
        return f"__Host-{name}" if self.is_always_secure() else name


def is_scope(text: str) -> bool:
    """Whether a text may be the name of a scope: up to 50 of letters, digits and `_.:/-`."""
    return _SCOPE.fullmatch(text) is not None
