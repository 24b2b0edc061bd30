"""Limits of named operations: by address, user, account name and known device."""

from __future__ import annotations

from bt_security.ratelimit.counting import ahit, hit
from bt_security.ratelimit.decision import Budget, Decision
from bt_security.ratelimit.enforcing import RateLimitedMixin, enforce, rate_limited
from bt_security.ratelimit.folding import folded as folded_account
from bt_security.ratelimit.login import LimitedBackend
from bt_security.ratelimit.responses import refusal
from bt_security.ratelimit.table import markdown_table

__all__ = [
    "Budget",
    "Decision",
    "LimitedBackend",
    "RateLimitedMixin",
    "ahit",
    "enforce",
    "folded_account",
    "hit",
    "markdown_table",
    "rate_limited",
    "refusal",
]
