"""Count a hit on a named operation and say whether it may go on."""

from __future__ import annotations

from collections.abc import Collection

from asgiref.sync import sync_to_async
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from bt_security.conf import conf
from bt_security.conf.ratelimit import Scope
from bt_security.ratelimit import place
from bt_security.ratelimit.decision import Decision, decide
from bt_security.ratelimit.subjects import Subjects, rules_for, subjects_of, windows_of
from bt_security.signals import report


def hit(
    operation: str,
    request: HttpRequest,
    *,
    account: str = "",
    user: AbstractBaseUser | None = None,
    skip: Collection[Scope] = (),
) -> Decision:
    """Count one hit on an operation and return whether it is allowed.

    All its rules are decided together: a hit that one of them refuses is counted by none, so
    trying during a lock does not make it last longer. `account` is the log-in name as it was
    typed, whether it exists or not; `user` stands in for the request's own. Rules of the scopes in
    `skip` are left out. Always allowed while the feature `ratelimit` is off.

    Reports `ratelimit.exceeded` once per budget until it has room again.

    Raises:
        ImproperlyConfigured: no operation has this name, or a setting is malformed.
    """
    rules = [rule for rule in conf.ratelimit.rules_of(operation) if rule.scope not in skip]
    if not rules or not conf.has_feature("ratelimit"):
        return Decision(operation, allowed=True)
    subjects = subjects_of(request, rules, account=account, user=user)
    counted = rules_for(rules, subjects)
    states = place.take(operation, windows_of(operation, counted, subjects))
    if states is None:
        return Decision(operation, allowed=True)
    decision = decide(operation, counted, states)
    if not decision.allowed:
        _report(decision, subjects)
    return decision


async def ahit(
    operation: str,
    request: HttpRequest,
    *,
    account: str = "",
    user: AbstractBaseUser | None = None,
    skip: Collection[Scope] = (),
) -> Decision:
    """Do what `hit` does without blocking the event loop."""
    return await sync_to_async(hit)(operation, request, account=account, user=user, skip=skip)


def _report(decision: Decision, subjects: Subjects) -> None:
    for budget in decision.budgets:
        if budget.state.is_news:
            report(
                "ratelimit.exceeded",
                outcome="refused",
                target=f"user:{subjects.user}" if subjects.user else "",
                details={
                    "operation": decision.operation,
                    "scope": budget.rule.scope,
                    "limit": budget.rule.limit,
                    "window_seconds": budget.rule.window_seconds,
                    "is_known_device": bool(subjects.device),
                },
            )
