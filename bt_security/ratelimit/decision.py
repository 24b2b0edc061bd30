"""What `hit` answers, and how the answer reads in response headers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from bt_security.conf.ratelimit import Rule, Scope
from bt_security.ratelimit.counter import State

_PRIVATE_SCOPES = frozenset({"account", "device"})


class Budget(NamedTuple):
    """One rule of an operation as it stands after the hit."""

    rule: Rule
    state: State

    @property
    def remaining(self) -> int:
        """Hits that are left."""
        return max(self.rule.limit - self.state.hits, 0)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a hit is allowed, and the figures of the budget that is nearest to its end.

    Times are whole seconds, rounded up. `retry_after_seconds` is 0 when the hit is allowed;
    `reset_seconds` is the time until the budget has more left. `scope` is what that budget counts
    by, "" for an operation that nothing limits (then `limit` and `remaining` are 0).
    """

    operation: str
    allowed: bool
    limit: int = 0
    remaining: int = 0
    retry_after_seconds: int = 0
    reset_seconds: int = 0
    scope: Scope | Literal[""] = ""
    budgets: tuple[Budget, ...] = ()

    @property
    def policy(self) -> str:
        """Every rule, as the header `RateLimit-Policy` has it."""
        return _policy(self.operation, tuple(budget.rule for budget in self.budgets))

    def headers(self) -> dict[str, str]:
        """Return `RateLimit-Policy`, `RateLimit` and, on a refusal, `Retry-After`.

        What is left of an account's budget is shown only when it is used up: it would tell
        strangers whether somebody else is trying.

        Source: draft-ietf-httpapi-ratelimit-headers-10 sections 3 and 4; RFC 9110 section 10.2.3.
        """
        found = {"RateLimit-Policy": self.policy} if self.budgets else {}
        shown = [
            budget
            for budget in self.budgets
            if budget.state.wait_seconds
            or (self.allowed and budget.rule.scope not in _PRIVATE_SCOPES)
        ]
        if shown:
            budget = _tightest(shown)
            left, time = budget.remaining, math.ceil(budget.state.reset_seconds)
            if budget.state.wait_seconds:
                left, time = 0, self.retry_after_seconds
            found["RateLimit"] = f'"{_policy_name(self.operation, budget.rule)}";r={left};t={time}'
        if not self.allowed:
            found["Retry-After"] = str(self.retry_after_seconds)
        return found


def decide(operation: str, rules: Sequence[Rule], states: Sequence[State]) -> Decision:
    """Return the decision that the states of all budgets make together."""
    budgets = tuple(map(Budget, rules, states))
    allowed = not any(state.wait_seconds for state in states)
    tightest = _tightest(budgets)
    return Decision(
        operation=operation,
        allowed=allowed,
        limit=tightest.rule.limit,
        remaining=tightest.remaining,
        retry_after_seconds=math.ceil(tightest.state.wait_seconds),
        reset_seconds=math.ceil(tightest.state.reset_seconds),
        scope=tightest.rule.scope,
        budgets=budgets,
    )


def _tightest(budgets: Sequence[Budget]) -> Budget:
    """Return the budget that refuses for longest, else the one with least left."""
    return max(budgets, key=lambda budget: (budget.state.wait_seconds, -budget.remaining))


@lru_cache(maxsize=256)
def _policy(operation: str, rules: tuple[Rule, ...]) -> str:
    return ", ".join(
        f'"{_policy_name(operation, rule)}";q={rule.limit};w={rule.window_seconds}'
        for rule in rules
    )


@lru_cache(maxsize=256)
def _policy_name(operation: str, rule: Rule) -> str:
    return f"{operation}-{rule.scope}-{rule.period}"
