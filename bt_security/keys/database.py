"""The database key: made once, kept in the table, never made again while values need it."""

from __future__ import annotations

import base64
import os
from binascii import Error as Base64Error
from collections.abc import Mapping

from bt_security.crypto import SealingKey, sealing_key
from bt_security.exceptions import KeyRefused
from bt_security.keys import store
from bt_security.keys.hidden import HiddenText
from bt_security.keys.inventory import count_database_key_values
from bt_security.signals import report

KEY_BYTES = 48

_remembered: dict[tuple[str, str], dict[str, None]] = {}
"""Keys that this process has used, by database, as stored; the last one is in force."""


def database_keys(stored: Mapping[str, str]) -> list[SealingKey]:
    """Return the database keys among the stored rows, the one that seals first.

    Rows that are not keys are left out: see `is_damaged`.
    """
    texts = [text for name, text in sorted(stored.items()) if name.startswith(store.DATABASE_KEY)]
    return [key for key in map(_key, texts) if key is not None]


def is_damaged(stored: Mapping[str, str]) -> bool:
    """Whether the row of the database key is there and does not hold base64 of 48 bytes."""
    text = stored.get(store.DATABASE_KEY)
    return text is not None and _key(text) is None


def _key(text: str) -> SealingKey | None:
    try:
        secret = base64.b64decode(text, validate=True)
    except (Base64Error, ValueError):
        return None
    return sealing_key("e1", secret) if len(secret) == KEY_BYTES else None


def remember(stored: Mapping[str, str]) -> dict[str, str]:
    """Keep the stored database key in memory; return the rows with those it had to add.

    A database that is restored under running processes may bring another key. What this
    process sealed until it noticed stays readable: its former keys are stored beside the new one.
    """
    rows = dict(stored)
    text = rows.get(store.DATABASE_KEY)
    if text is None or is_damaged(rows):
        return rows
    known = _remembered.setdefault(store.place(), {})
    known.pop(text, None)
    known[text] = None
    for former in known:
        key = _key(former)
        if key is not None and former not in rows.values():
            name = f"{store.DATABASE_KEY}/{key.key_id}"
            rows[name] = HiddenText(store.insert_once(name, former))
    return rows


def forget() -> None:
    """Drop the remembered keys of all databases."""
    _remembered.clear()


def make_database_key() -> str:
    """Store a database key if there is none and return the row; of processes that race, one wins.

    A key that this process has used before is stored again rather than replaced.

    Raises:
        KeyRefused: the row is gone while values sealed with it are still there.
        KeyStoreMissing: the table does not exist yet.
    """
    known = _remembered.get(store.place())
    if not known and count_database_key_values(limit=1):
        return _made_meanwhile()
    text = next(reversed(known)) if known else _fresh()
    stored = HiddenText(store.insert_once(store.DATABASE_KEY, text))
    made = _key(stored)
    if stored == text and made is not None:
        report("keys.database_key_created", target=f"key:{made.key_id}")
    return stored


def _made_meanwhile() -> str:
    """The row, if another process has made it since it was missed, and a value with it."""
    found = store.read([store.DATABASE_KEY])
    if store.DATABASE_KEY not in found:
        raise KeyRefused(
            "the row _auto_encryption_key is missing from bt_security_setting, but values "
            "sealed with that key exist. Restore the row from a backup; a new key would "
            "not open them, so none is made."
        )
    return HiddenText(found[store.DATABASE_KEY])


def _fresh() -> str:
    return HiddenText(base64.b64encode(os.urandom(KEY_BYTES)).decode("ascii"))
