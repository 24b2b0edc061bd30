"""The named operations that are limited, and how a rule is written: `10/15m:ip, 20/15m:account`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from django.core.exceptions import ImproperlyConfigured

Scope = Literal["ip", "user", "account", "device"]
"""What a rule counts by."""

SCOPES: tuple[Scope, ...] = get_args(Scope)

OFF = "off"
"""Written instead of rules: the operation is not limited."""

MAX_LIMIT = 10_000
"""Most hits that one rule may allow: each of them is remembered for the length of the window."""

MAX_WINDOW_SECONDS = 31 * 86_400

_SETTING = "BT_SECURITY_RATELIMIT_OPERATIONS"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_RULE = re.compile(r"(?P<limit>[0-9]{1,6})/(?P<count>[0-9]{0,7})(?P<unit>[smhd]):(?P<scope>[a-z]+)")
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Rule(NamedTuple):
    """At most `limit` hits in any `window_seconds`, counted by `scope`."""

    limit: int
    window_seconds: int
    scope: Scope

    @property
    def period(self) -> str:
        """The window as it is written, in the largest unit that divides it: `15m`."""
        unit = next(unit for unit in "dhms" if self.window_seconds % _UNIT_SECONDS[unit] == 0)
        return f"{self.window_seconds // _UNIT_SECONDS[unit]}{unit}"


class Operation(NamedTuple):
    """One line of the table: the rules as they are written, and what is counted."""

    rules: str
    meaning: str


OPERATIONS: Mapping[str, Operation] = {
    "login": Operation("10/15m:ip, 20/15m:account, 10/15m:device", "Log-in with a password."),
    "auth": Operation("20/1m:ip", "Any other endpoint that takes or gives credentials."),
    "register": Operation("10/15m:ip", "Making an account."),
    "invite": Operation("10/15m:ip", "Accepting an invitation."),
    "magic_link": Operation("3/15m:ip, 3/15m:account", "Asking for a log-in link by mail."),
    "verify_email": Operation("5/15m:ip, 3/15m:account", "Asking for a verification mail."),
    "password_forgot": Operation("3/15m:ip, 3/15m:account", "Asking for a reset mail."),
    "password_reset": Operation("5/15m:ip", "Setting a password with a reset link."),
    "password_change": Operation("5/15m:user, 5/15m:ip", "Changing the own password."),
    "mfa_verify": Operation("5/15m:account, 5/15m:device", "Trying or enrolling a second factor."),
    "stepup": Operation("5/15m:account, 5/15m:device", "Confirming who one is once more."),
    "oidc": Operation("20/15m:ip", "Log-in through an identity provider, callback included."),
    "api_token_create": Operation("5/15m:user", "Making an API token."),
    "token_admin": Operation("30/15m:user", "Renaming, rotating or revoking a token."),
    "session_admin": Operation("30/15m:user", "Ending sessions."),
    "device_admin": Operation("30/15m:user", "Revoking devices."),
    "privacy": Operation("30/15m:user", "Changing what is kept, and erasing it."),
    "admin_action": Operation("30/15m:ip", "Actions of administrators."),
    "bank_sync": Operation("10/15m:user", "Fetching from a bank."),
    "backfill": Operation("10/15m:user", "Fetching old data from a bank."),
    "import": Operation("20/15m:ip", "Uploading data."),
    "export": Operation("30/15m:ip", "Downloading data."),
    "backup": Operation("5/60m:ip", "Making, reading or restoring a backup."),
    "demo_clear": Operation("3/15m:ip", "Clearing the demonstration data."),
    "csp_report": Operation("60/1m:ip", "Browsers' reports of the content security policy."),
}
"""The table as it is without a line in the settings."""


@lru_cache(maxsize=256)
def parse_rules(text: str) -> tuple[Rule, ...]:
    """Return the rules in `text`, () for "off".

    Raises:
        ValueError: says which part is malformed.
    """
    if text.strip() == OFF:
        return ()
    rules = tuple(_rule(part.strip()) for part in text.split(","))
    scopes = {rule.scope for rule in rules}
    if "device" in scopes and "account" not in scopes:
        raise ValueError("a rule by device stands in for one by account, and there is none")
    if len(set(rules)) < len(rules):
        raise ValueError("a rule stands there twice")
    return rules


def rules_of(operation: str, overrides: Mapping[str, str]) -> tuple[Rule, ...]:
    """Return the rules in force for an operation, () if it is off.

    Raises:
        ImproperlyConfigured: no operation has this name, or its rules are malformed.
    """
    text = overrides.get(operation)
    if text is None:
        known = OPERATIONS.get(operation)
        if known is None:
            raise ImproperlyConfigured(_unknown(operation, overrides))
        return parse_rules(known.rules)
    if fault := override_fault(operation, text):
        raise ImproperlyConfigured(fault)
    return parse_rules(text)


def override_fault(operation: str, text: str) -> str:
    """Return why one entry of `BT_SECURITY_RATELIMIT_OPERATIONS` is refused, "" if it is fine."""
    if _NAME.fullmatch(operation) is None:
        return (
            f"{_SETTING}: {operation!r} is no name: up to 40 characters of a-z, 0-9 and _ , "
            "a letter first."
        )
    try:
        parse_rules(text)
    except ValueError as error:
        return f"{_SETTING}[{operation!r}]: {error}."
    return ""


def _rule(part: str) -> Rule:
    match = _RULE.fullmatch(part)
    scope = next((scope for scope in SCOPES if match and scope == match["scope"]), None)
    if match is None or scope is None:
        raise ValueError(
            f"{part!r} is no rule, which is written like '10/15m:ip': hits, a time in s, m, h or "
            f"d, and one of {', '.join(SCOPES)}"
        )
    rule = Rule(int(match["limit"]), int(match["count"] or 1) * _UNIT_SECONDS[match["unit"]], scope)
    if not 1 <= rule.limit <= MAX_LIMIT:
        raise ValueError(f"{part!r} has to allow 1 to {MAX_LIMIT} hits")
    if not 1 <= rule.window_seconds <= MAX_WINDOW_SECONDS:
        raise ValueError(f"{part!r} has to last from 1 second to 31 days")
    return rule


def _unknown(operation: str, overrides: Mapping[str, str]) -> str:
    nearest = difflib.get_close_matches(operation, [*OPERATIONS, *overrides], n=1)
    guess = f" Did you mean {nearest[0]!r}?" if nearest else ""
    return (
        f"{operation!r} is no operation that can be limited.{guess} Operations of a site are "
        f"added in {_SETTING}."
    )
