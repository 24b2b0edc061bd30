"""Failures that outlive the transaction they happened in: events wait for its end."""

from __future__ import annotations

import atexit
import threading
from typing import Any

from django.core.signals import request_finished
from django.db import connections, transaction
from django.http import HttpRequest

from bt_security.audit.pending import is_in_transaction, may_block
from bt_security.history.storing import alias, store
from bt_security.models import LoginEvent

_lock = threading.Lock()
_left: list[tuple[LoginEvent, HttpRequest | None]] = []


def connect() -> None:
    """Connect the end of requests; called where the feature `history` is on."""
    request_finished.connect(_at_end_of_request, dispatch_uid="bt_security.history.waiting")


def store_or_wait(event: LoginEvent, request: HttpRequest | None) -> LoginEvent | None:
    """Store an event now, or once the open transaction has ended, however it ends.

    That is at its commit, else at the end of a request, at the next event outside of a
    transaction, or at the end of the process.
    """
    if not is_in_transaction(alias()):
        return store(event, request)
    with _lock:
        _left.append((event, request))
    transaction.on_commit(store_waiting, using=alias())
    return None


def store_waiting() -> None:
    """Store what waits, if this is a moment for it."""
    if not _left or not may_block() or is_in_transaction(alias()):
        return
    with _lock:
        found = list(_left)
        _left.clear()
    for event, request in found:
        store(event, request)


def _at_end_of_request(**_: Any) -> None:
    if not _left:
        return
    connection = connections[alias()]
    was_closed = connection.connection is None
    store_waiting()
    if was_closed:  # Django has just closed it, and does so again only for the next request
        connection.close()


atexit.register(store_waiting)
