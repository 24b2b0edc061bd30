"""Deleting what is too old, and saying so in the audit log."""

from __future__ import annotations

from typing import Any

from bt_security import audit
from bt_security.history.kinds import Kind
from bt_security.models.batches import BATCH_ROWS
from bt_security.signals import Outcome

ACTION = "history.pruned"


def prune(kind: Kind, *, batch_rows: int = BATCH_ROWS) -> int:
    """Delete the rows of a log that are too old, and return their number.

    Each batch is a transaction of its own: writers do not wait long, and a run that was killed is
    finished by the next one. One audit entry has the number, also where an error ends the run; a
    run that finds nothing has none.

    Raises:
        django.db.Error: the database does not go on; what is deleted by then stays deleted.
    """
    deleted = 0

    def tick(rows: int) -> None:
        nonlocal deleted
        deleted += rows

    try:
        kind.delete(batch_rows, tick)
    except BaseException as error:
        _record(kind, deleted, failure=type(error).__name__)
        raise
    _record(kind, deleted)
    return deleted


def _record(kind: Kind, deleted: int, *, failure: str = "") -> None:
    if not deleted and not failure:
        return
    details: dict[str, Any] = {"kind": kind.name, "count": deleted}
    if kind.kept_days is not None:
        details["kept_days"] = kind.kept_days
    outcome: Outcome = "failure" if failure else "success"
    audit.record(ACTION, outcome=outcome, reason=failure, details=details)
