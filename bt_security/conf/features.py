"""The names that `BT_SECURITY_FEATURES` may hold."""

from __future__ import annotations

from typing import Literal, get_args

Feature = Literal[
    "sessions",
    "headers",
    "csrf",
    "ratelimit",
    "passwords",
    "history",
    "audit",
    "mfa",
    "accounts",
    "oidc",
    "backups",
]
"""One feature that a site switches on by name."""

FEATURES: tuple[Feature, ...] = get_args(Feature)
"""All of them, in the order of the documentation."""
