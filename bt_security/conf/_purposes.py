"""What signed tokens are for: the ready-made purposes and those that a site adds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

MINUTE_SECONDS = 60
DAY_SECONDS = 86_400
MIN_LIFETIME_SECONDS = MINUTE_SECONDS
MAX_LIFETIME_SECONDS = 366 * DAY_SECONDS
MAX_USES = 100

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)


def is_lifetime(seconds: int) -> bool:
    """Whether a token may live for so long."""
    return MIN_LIFETIME_SECONDS <= seconds <= MAX_LIFETIME_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """One thing that a signed token allows, and nothing else.

    `lifetime_seconds` is the default, 60 to 31,622,400. With `acts_on_account` the subject is a
    user, and the token dies with their password or address, unless it `outlives_changes`: what
    warns of a stranger must outlive what the stranger does first. `allows_inactive` is for accounts
    that become active by it. `needs_browser` ties it to the browser that asked. A token is issued
    for at most `max_uses` uses, 1 to 100, or for any number where it `may_be_unlimited`.

    Raises:
        ValueError: the name is not lower snake case of up to 40 characters, or a number is out of
            range.
    """

    name: str
    lifetime_seconds: int
    acts_on_account: bool = False
    outlives_changes: bool = False
    allows_inactive: bool = False
    needs_browser: bool = False
    max_uses: int = 1
    may_be_unlimited: bool = False

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None:
            raise ValueError(f"not the name of a purpose: {self.name!r}")
        if not is_lifetime(self.lifetime_seconds) or not 1 <= self.max_uses <= MAX_USES:
            raise ValueError(f"purpose {self.name}: lifetime or number of uses is out of range")


_READY_MADE = (
    Purpose(name="email_verification", lifetime_seconds=60 * MINUTE_SECONDS, acts_on_account=True),
    Purpose(name="password_reset", lifetime_seconds=60 * MINUTE_SECONDS, acts_on_account=True),
    Purpose(
        name="magic_link",
        lifetime_seconds=15 * MINUTE_SECONDS,
        acts_on_account=True,
        needs_browser=True,
    ),
    Purpose(
        name="login_alert",
        lifetime_seconds=7 * DAY_SECONDS,
        acts_on_account=True,
        outlives_changes=True,
    ),
    Purpose(name="invite", lifetime_seconds=7 * DAY_SECONDS, max_uses=5, may_be_unlimited=True),
)

_purposes = {purpose.name: purpose for purpose in _READY_MADE}


def register(purpose: Purpose) -> Purpose:
    """Add a purpose of the site, in `AppConfig.ready`, and return it; twice the same is harmless.

    Raises:
        ImproperlyConfigured: the name stands for another purpose already.
    """
    if _purposes.setdefault(purpose.name, purpose) != purpose:
        raise ImproperlyConfigured(f"The purpose {purpose.name} of tokens is defined twice.")
    return purpose


def purpose_named(name: str) -> Purpose:
    """Return a purpose.

    Raises:
        ImproperlyConfigured: nobody has defined it.
    """
    if name not in _purposes:
        raise ImproperlyConfigured(
            f"{name!r} is no purpose of tokens: {', '.join(_purposes)} are; see tokens.register."
        )
    return _purposes[name]


def purpose_names() -> list[str]:
    """Return the names of all purposes, the ready-made ones first."""
    return list(_purposes)
