"""What a rotation seals with, what it may open, and the state of the keys before and after."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

from django.db import transaction

from bt_security import keys
from bt_security.conf import conf
from bt_security.crypto import PREFIX_LENGTH
from bt_security.exceptions import KeyRefused, OpenRefused
from bt_security.keys import Keyring, store
from bt_security.keys.current import SETTLE_SECONDS
from bt_security.keys.inventory import count_database_key_values
from bt_security.keys.purpose import rewrap
from bt_security.keys.state import write_state
from bt_security.rotation.inventory import find_orphans
from bt_security.rotation.report import Failure, Report
from bt_security.signals import report as report_event


def rotation_keyring(*, from_database_key: bool = False) -> Keyring:
    """Return a keyring that seals under the newest key and opens with all live ones.

    `from_database_key` lets `e1:` values open once more after the move was done.

    Raises:
        KeyRefused: this process may not seal, or the settings refuse the database key.
    """
    if from_database_key and not conf.keys.accept_database_key:
        raise KeyRefused("BT_SECURITY_KEYS_ACCEPT_DATABASE_KEY is False: nothing opens e1: values")
    current = keys.reload()
    if not (from_database_key and current.has_lost_state):
        current.sealing_key  # noqa: B018 - raises the refusal
    target = current.operator_key or current.sealing_key
    openers = dict(current.openers)
    if from_database_key:
        openers |= {key.prefix: key for key in current.database_keys}
    return replace(
        current,
        sealer=target,
        refusal=None,
        openers=openers,
        opens_database_key=current.opens_database_key or from_database_key,
    )


def begin_rotation(report: Report, *, from_database_key: bool = False) -> Keyring:
    """Lock out other rotations, note that values move, re-wrap the purpose keys.

    All in the caller's transaction. Until it is committed every process seals as before. The
    keyring is read under the lock: another rotation may have ended while this one waited.

    Raises:
        KeyRefused: this process may not seal.
    """
    store.lock()
    keyring = rotation_keyring(from_database_key=from_database_key)
    _begin_move(keyring)
    _rewrap_purpose_keys(keyring, report)
    return keyring


def _begin_move(keyring: Keyring) -> None:
    if keyring.operator_key is None:
        return
    if keyring.state is None:
        write_state("migrating", keyring.operator_key)
        report_event("keys.move_begun", target=f"key:{keyring.operator_key.key_id}")
    else:
        write_state(keyring.state.phase, keyring.operator_key, since=keyring.state.since)


def _rewrap_purpose_keys(keyring: Keyring, report: Report) -> None:
    """Seal every stored purpose key under the newest key; their bytes, so all digests, stay."""
    stored = store.rows().filter(name__startswith=store.PURPOSE_PREFIX)
    for name, text in stored.values_list("name", "value"):
        if text[:PREFIX_LENGTH] == keyring.sealing_key.prefix:
            continue
        try:
            wrapped = rewrap(name, text, keyring=keyring)
        except OpenRefused as error:
            reason = type(error).__name__
            place = ("bt_security.Setting", "value", name)
            report.add_failure(Failure(*place, reason, error.key_id, database=store.alias()))
        else:
            stored.filter(name=name).update(value=wrapped)
            report.purpose_keys += 1


def finish_move(*, wait: bool = True, settle_seconds: float = SETTLE_SECONDS) -> str:
    """Close the database key if nothing needs it; return the phase, "" without operator key.

    With `wait` the call sleeps until every process has noticed that the move began, which
    takes `settle_seconds`.
    """
    keyring = keys.reload()
    if keyring.operator_key is None or keyring.state is None:
        return ""
    if keyring.state.phase == "done":
        return "done"
    remaining = settle_seconds - (datetime.now(UTC) - keyring.state.since).total_seconds()
    if remaining > 0:
        if not wait:
            return "migrating"
        time.sleep(remaining)
    with transaction.atomic(using=store.alias()):
        store.lock()
        if count_database_key_values(limit=1) or find_orphans():
            return "migrating"
        write_state("done", keyring.operator_key)
        report_event("keys.move_done", target=f"key:{keyring.operator_key.key_id}")
    keys.reload()
    return "done"


def retire_database_key() -> int:
    """Delete the database key; return the number of rows deleted.

    Raises:
        KeyRefused: the move to an operator key is not done, or values still need the key,
            those of columns without an installed model included.
    """
    with transaction.atomic(using=store.alias()):
        store.lock()
        keyring = keys.reload()
        if keyring.state is None or keyring.state.phase != "done":
            raise KeyRefused("the database key is still in use: run rotate_keys to the end first")
        if count_database_key_values(limit=1):
            raise KeyRefused(
                "values sealed under the database key are still there: `key_status` says where"
            )
        if orphans := find_orphans():
            raise KeyRefused(f"sealed values without an installed model: {', '.join(orphans)}")
        deleted, _ = store.rows().filter(name__startswith=store.DATABASE_KEY).delete()
    keys.forget()
    if deleted:
        report_event("keys.database_key_retired")
    return deleted
