"""Limit every log-in of the site, whichever view calls `authenticate`."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.debug import sensitive_variables

from bt_security.conf.ratelimit import SCOPES, Scope
from bt_security.ratelimit.counting import hit
from bt_security.ratelimit.decision import Decision
from bt_security.ratelimit.folding import folded
from bt_security.ratelimit.responses import turn_into_refusal
from bt_security.ratelimit.run_out import refuse_run_out

OPERATION = "login"

_CREDIT = "_bt_security_counted_login"
_REFUSED = "_bt_security_refused_login"


class LimitedBackend:
    """First entry of `AUTHENTICATION_BACKENDS`: refuses a password while `login` is used up.

    With the feature `passwords` also a temporary password that has run out. It logs nobody in and
    has no permissions; the backends after it do the rest. What a decorated view has counted already
    is not counted again. It has no `get_user`, so that Django never takes it for the backend that a
    session belongs to.
    """

    @sensitive_variables()
    def authenticate(
        self, request: HttpRequest | None, *, password: str, **credentials: Any
    ) -> None:
        """Count the attempt; without a request there is nothing to count.

        Raises:
            PermissionDenied: the budget is used up, or the temporary password has run out; Django
                then asks no other backend.
        """
        name = _typed_name(credentials)
        if request is not None:
            _count(request, name)
        refuse_run_out(request, name, password)

    @sensitive_variables()
    async def aauthenticate(
        self, request: HttpRequest | None, *, password: str, **credentials: Any
    ) -> None:
        """Do what `authenticate` does without blocking the event loop.

        Raises:
            PermissionDenied: as there.
        """
        await sync_to_async(self.authenticate)(request, password=password, **credentials)


def credit(request: HttpRequest, decision: Decision, *, account: str) -> None:
    """Remember what a view has counted, for the first `authenticate` that follows.

    `account` is the log-in name that it counted, "" if none.
    """
    if decision.operation == OPERATION and decision.budgets:
        setattr(request, _CREDIT, folded(account))


def on_response(request: HttpRequest, response: HttpResponseBase) -> None:
    """Make a log-in page that `LimitedBackend` has made fail an answer 429. No I/O."""
    decision: Decision | None = getattr(request, _REFUSED, None)
    if decision is not None:
        turn_into_refusal(request, response, decision)


def _count(request: HttpRequest, name: str) -> None:
    decision = hit(OPERATION, request, account=name, skip=_spend_credit(request, name))
    if not decision.allowed:
        setattr(request, _REFUSED, decision)
        raise PermissionDenied


def _spend_credit(request: HttpRequest, name: str) -> frozenset[Scope]:
    """Return what is counted already, once: a second password in one request is a hit as well.

    Another name than the one that was counted has a budget that nothing was taken from.
    """
    counted: str | None = getattr(request, _CREDIT, None)
    setattr(request, _CREDIT, None)
    if counted is None:
        return frozenset()
    is_same_account = counted and counted == folded(name)
    return frozenset(SCOPES) if is_same_account else frozenset({"ip", "user"})


def _typed_name(credentials: dict[str, Any]) -> str:
    field = get_user_model().USERNAME_FIELD
    name = credentials.get(field) or credentials.get("username") or credentials.get("email") or ""
    return name if isinstance(name, str) else str(name)
