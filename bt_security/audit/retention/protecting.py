"""Append-only protection by triggers: installed on purpose, never by a migration.

A migration would put them under every host's `TransactionTestCase`, which flushes tables, and
needs rights that managed databases do not give to the site's account.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import Error, connections, transaction

from bt_security.audit.recording import record, record_refusal
from bt_security.audit.retention.protect_sql import plan, standing
from bt_security.audit.writing import alias
from bt_security.exceptions import ProtectionRefused


@dataclass(frozen=True, slots=True)
class Protection:
    """Which triggers stand as they should, and which are missing, switched off or changed."""

    database: str
    standing: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


def status() -> Protection:
    """Return how the log is protected in the database that entries are written to.

    Raises:
        ProtectionRefused: the tables are not there, or no triggers are known for the database.
    """
    connection = connections[alias()]
    wanted = plan(connection)
    found = standing(connection, wanted)
    missing = [trigger.name for trigger in wanted.triggers if trigger.name not in found]
    return Protection(connection.alias, tuple(found), tuple(missing))


def install() -> Protection:
    """Install every trigger, also over one that was changed, and record "audit.protected".

    Raises:
        ProtectionRefused: as `status`, or the account lacks the rights; `statements` can then be
            handed to an administrator.
    """
    _run(plan(connections[alias()]).install, "audit.protected")
    return status()


def remove() -> Protection:
    """Remove every trigger and record "audit.unprotected".

    Raises:
        ProtectionRefused: as `install`.
    """
    _run(plan(connections[alias()]).remove, "audit.unprotected")
    return status()


def _run(statements: Sequence[str], action: str) -> None:
    using = alias()
    try:
        # On MariaDB every statement commits what stands before it, the entry included.
        with transaction.atomic(using=using):
            record(action, details={"database": using})
            with connections[using].cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
    except Error as error:
        failure = type(error).__name__
    else:
        return
    record_refusal(action, outcome="failure", reason=failure, details={"database": using})
    raise ProtectionRefused(
        f"the database refuses the triggers ({failure})", statements=tuple(statements)
    )
