"""What a rotation seals with, what it may open, and the state of the keys before and after."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

from django.db import transaction

from bt_security import keys
from bt_security.exceptions import KeyRefused
from bt_security.keys import Keyring, store
from bt_security.keys.current import SETTLE_SECONDS
from bt_security.keys.inventory import count_database_key_values
from bt_security.keys.purpose import rewrap
from bt_security.keys.state import write_state
from bt_security.signals import report as report_event


def rotation_keyring(*, from_database_key: bool = False) -> Keyring:
    """Return a keyring that seals under the newest key and opens with all live ones.

    `from_database_key` lets `e1:` values open once more after the move was done.

    Raises:
        KeyRefused: this process may not seal.
    """
    current = keys.reload()
    current.sealing_key  # noqa: B018 - raises the refusal
    target = current.operator_key or current.sealing_key
    openers = dict(current.openers)
    if from_database_key:
        openers |= {key.prefix: key for key in current.database_keys}
    return replace(
        current,
        sealer=target,
        openers=openers,
        opens_database_key=current.opens_database_key or from_database_key,
    )


def begin_move(keyring: Keyring) -> None:
    """Note in the caller's transaction that values move to the operator key.

    Until the note is committed every process seals under the database key.
    """
    if keyring.operator_key is None:
        return
    if keyring.state is None:
        write_state("migrating", keyring.operator_key)
        report_event("keys.move_begun", target=f"key:{keyring.operator_key.key_id}")
    else:
        write_state(keyring.state.phase, keyring.operator_key, since=keyring.state.since)


def rewrap_purpose_keys(keyring: Keyring) -> int:
    """Seal every stored purpose key under the newest key, in the caller's transaction.

    Returns how many were not yet. Their bytes, and so all digests, stay the same.
    """
    target = keyring.sealing_key
    stored = store.rows().filter(name__startswith=store.PURPOSE_PREFIX)
    moved = 0
    for name, text in stored.values_list("name", "value"):
        if text[:12] != target.prefix:
            stored.filter(name=name).update(value=rewrap(name, text, keyring=keyring))
            moved += 1
    return moved


def finish_move(*, wait: bool = True) -> str:
    """Close the database key if nothing needs it; return the phase, "" without operator key.

    With `wait` the call sleeps until every process has noticed that the move began.
    """
    keyring = keys.reload()
    if keyring.operator_key is None or keyring.state is None:
        return ""
    if keyring.state.phase == "done":
        return "done"
    remaining = SETTLE_SECONDS - (datetime.now(UTC) - keyring.state.since).total_seconds()
    if remaining > 0:
        if not wait:
            return "migrating"
        time.sleep(remaining)
    with transaction.atomic(using=store.alias()):
        store.lock()
        if count_database_key_values(limit=1):
            return "migrating"
        write_state("done", keyring.operator_key)
        report_event("keys.move_done", target=f"key:{keyring.operator_key.key_id}")
    keys.reload()
    return "done"


def retire_database_key() -> int:
    """Delete the database key; return the number of rows deleted.

    Raises:
        KeyRefused: the move to an operator key is not done, or values still need the key.
    """
    keyring = keys.reload()
    if keyring.state is None or keyring.state.phase != "done":
        raise KeyRefused("the database key is still in use: run rotate_keys to the end first")
    if count_database_key_values(limit=1):
        raise KeyRefused(
            "values sealed under the database key are still there: `key_status` says where"
        )
    with transaction.atomic(using=store.alias()):
        deleted, _ = store.rows().filter(name__startswith=store.DATABASE_KEY).delete()
    keys.forget()
    if deleted:
        report_event("keys.database_key_retired")
    return deleted
