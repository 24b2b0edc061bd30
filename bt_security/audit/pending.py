"""Refusals that outlive the transaction they happened in: finished rows wait for its end."""

from __future__ import annotations

import asyncio
import atexit
import threading

from django.db import connections, transaction

from bt_security.audit.context import current_scope
from bt_security.audit.rows import Row
from bt_security.audit.writing import alias, store

_lock = threading.Lock()
_left: list[Row] = []


def store_or_wait(row: Row) -> None:
    """Store a row now, or once the open transaction has ended, however it ends."""
    if not is_in_transaction():
        store([row], on_error="spool")
        return
    scope = current_scope()
    (_left if scope is None else scope.pending).append(row)
    transaction.on_commit(store_waiting, using=alias())


def store_waiting() -> None:
    """Store the rows that wait in the current scope, and those that ended scopes have left."""
    scope = current_scope()
    with _lock:
        rows = [*_left, *(scope.pending if scope else ())]
        _left.clear()
        if scope:
            scope.pending.clear()
    if rows:
        store(rows, on_error="spool")


def store_left() -> None:
    """Store what ended scopes have left, if this is a moment for it."""
    if _left and not is_in_transaction():
        store_waiting()


def leave_for_later(rows: list[Row]) -> None:
    """Take rows over from a scope that ends where nothing can be stored."""
    with _lock:
        _left.extend(rows)
        rows.clear()


def is_in_transaction(using: str | None = None) -> bool:
    """Whether a transaction is open that may yet be rolled back; a `TestCase` around it is none."""
    blocks = connections[using or alias()].atomic_blocks
    return any(not getattr(block, "_from_testcase", False) for block in blocks)


def may_block() -> bool:
    """Whether the database may be asked from here: not in the thread of a running event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return True
    return False


@atexit.register
def _store_before_exit() -> None:
    if _left:
        store_waiting()
