"""Checks of the lifetimes of tokens and of the scopes of API tokens."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage

from bt_security.checks.finding import finding
from bt_security.conf import conf
from bt_security.conf.tokens import (
    MAX_LIFETIME_SECONDS,
    MIN_LIFETIME_SECONDS,
    Purpose,
    Tokens,
    is_lifetime,
    is_scope,
    purpose_named,
    purpose_names,
)

LONG_SECONDS = 86_400
"""A link that acts on an account and is good for longer lies in too many mailboxes.

One whose purpose has more by default does nothing that its finder could want.
"""


def check_lifetimes(**_: Any) -> list[CheckMessage]:
    """Report lifetimes of unknown purposes (E140) and those out of range (E141)."""
    if Tokens.lifetime_seconds.fault() is not None:
        return []  # E001 speaks of it
    found = []
    for name, seconds in conf.tokens.lifetime_seconds.items():
        setting = f"BT_SECURITY_TOKENS_LIFETIME_SECONDS[{name!r}]"
        if name not in purpose_names():
            hint = f"Purposes are: {', '.join(purpose_names())}."
            found.append(finding("E140", f"{setting} is of no purpose that exists.", hint=hint))
        elif not is_lifetime(seconds):
            hint = f"{MIN_LIFETIME_SECONDS} to {MAX_LIFETIME_SECONDS} seconds are allowed."
            found.append(finding("E141", f"{setting} is out of range.", hint=hint))
    return found


def check_scopes(**_: Any) -> list[CheckMessage]:
    """Report malformed scopes of API tokens (E142)."""
    if Tokens.scopes.fault() is not None:
        return []  # E001 speaks of it
    return [
        finding(
            "E142",
            f"BT_SECURITY_TOKENS_SCOPES: {scope!r} is no name of a scope.",
            hint='Write it like "bills:read".',
        )
        for scope in conf.tokens.scopes
        if not is_scope(scope)
    ]


def check_long_lifetimes(**_: Any) -> list[CheckMessage]:
    """Report links that act on an account and live for more than a day (W140).

    Or for longer than their purpose has by default, where that is more.
    """
    if Tokens.lifetime_seconds.fault() is not None:
        return []  # E001 speaks of it
    names = conf.tokens.lifetime_seconds.keys() & set(purpose_names())
    return [
        finding(
            "W140",
            f"Tokens of the purpose {name} act on an account and live for more than a day.",
            hint="Shorten BT_SECURITY_TOKENS_LIFETIME_SECONDS; users can ask for a new link.",
        )
        for name in sorted(names)
        if purpose_named(name).acts_on_account and _is_long(purpose_named(name))
    ]


def _is_long(purpose: Purpose) -> bool:
    usual = max(LONG_SECONDS, purpose.lifetime_seconds)
    return conf.tokens.lifetime_seconds[purpose.name] > usual


TOKENS_CHECKS = (check_lifetimes, check_scopes)
TOKENS_DEPLOY_CHECKS = (check_long_lifetimes,)
