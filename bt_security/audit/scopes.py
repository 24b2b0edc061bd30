"""Blocks in which entries are attributed: a request, or whoever `audit.actor` names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from bt_security.audit.context import Scope, as_actor, current_scope, enter, leave
from bt_security.audit.pending import is_in_transaction, leave_for_later, may_block, store_waiting


@contextmanager
def actor(who: AbstractBaseUser | str, name: str = "", *, via: object = "") -> Iterator[None]:
    """Attribute the entries of this block: `with audit.actor("task", "billing.send_bills"):`.

    `who` is a user, or one of "command", "task", "shell", "system" with a `name`. `via` says
    through whom, for example the user who impersonates. Blocks may be nested: the innermost
    counts, and the one around it counts again afterwards.

    Raises:
        ValueError: `who` is a text of another kind.
    """
    around = current_scope()
    inner = Scope(actor=as_actor(who, name, via=via))
    if around is not None:
        inner.request, inner.pending = around.request, around.pending
    token = enter(inner)
    try:
        yield
    finally:
        if around is None and inner.pending:
            _store_or_leave(inner)
        inner.is_over = True
        leave(token)


@contextmanager
def in_request(request: HttpRequest) -> Iterator[Scope]:
    """Attribute the entries of this block to whoever sends the request.

    What waits in the scope at the end is stored by whoever opened the block.
    """
    scope = Scope(request=request)
    token = enter(scope)
    try:
        yield scope
    finally:
        scope.is_over = True
        leave(token)


def _store_or_leave(scope: Scope) -> None:
    if may_block() and not is_in_transaction():
        store_waiting()
    else:
        leave_for_later(scope.pending)
