"""Storing events: one INSERT, and what happens when the database does not take it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.db import connections, router, transaction
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from bt_security.history import alerts, locating, spool
from bt_security.models import LoginEvent

REPLAYED_FILES = 20
"""How many files of the spool one log-in stores besides its own event, at most."""


def alias() -> str:
    """Return the database that events are written to."""
    return router.db_for_write(LoginEvent)


def store(event: LoginEvent, request: HttpRequest | None) -> LoginEvent | None:
    """Insert an event in the caller's transaction, which stays usable, and tell who waits for it.

    Returns None where the database did not take it; it is in the spool or in the log then.
    """
    failure = _insert(event)
    if failure:
        spool.keep(event, why=failure)
        return None
    if spool.waiting():
        transaction.on_commit(_replay_some, using=alias(), robust=True)
    locating.schedule(event)
    alerts.notify(event, request)
    return event


def replay(*, max_files: int | None = None) -> int:
    """Store what waits in the spool, the oldest first, and return how many events that were."""
    return spool.replay(using=alias(), max_files=max_files)


def _replay_some() -> None:
    replay(max_files=REPLAYED_FILES)


@sensitive_variables()
def _insert(event: LoginEvent) -> str:
    """Return the name of the error, "" if all went well.

    The error itself is not logged: its text may hold values of the row.
    """
    using = alias()
    try:
        with _guard(using):
            event.save(force_insert=True, using=using)
    except spool.FAILURES as error:
        return type(error).__name__
    return ""


def _guard(using: str) -> AbstractContextManager[Any]:
    """Return a savepoint, where a failure would otherwise spoil the caller's transaction."""
    is_alone = not connections[using].in_atomic_block
    return nullcontext() if is_alone else transaction.atomic(using=using)
