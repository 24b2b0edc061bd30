"""The database key: made once, kept in the table, never made again while values need it."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping

from django.db import connections

from bt_security.crypto import SealingKey, sealing_key
from bt_security.exceptions import KeyRefused
from bt_security.keys import store
from bt_security.keys.inventory import count_database_key_values
from bt_security.signals import report

KEY_BYTES = 48

_remembered: dict[tuple[str, str], str] = {}


def database_keys(stored: Mapping[str, str]) -> list[SealingKey]:
    """Return the database keys among the stored rows, the one that seals first."""
    texts = [text for name, text in sorted(stored.items()) if name.startswith(store.DATABASE_KEY)]
    return [_key(text) for text in texts]


def _key(text: str) -> SealingKey:
    return sealing_key("e1", base64.b64decode(text, validate=True))


def _place() -> tuple[str, str]:
    return store.alias(), str(connections[store.alias()].settings_dict["NAME"])


def remember(stored: Mapping[str, str]) -> bool:
    """Keep the stored database key in memory; return True when another one was there before.

    A database that is restored under running processes may bring another key. What this
    process sealed until it noticed stays readable: its former key is stored beside the new one.
    """
    text = stored.get(store.DATABASE_KEY)
    if text is None:
        return False
    former = _remembered.get(_place())
    _remembered[_place()] = text
    if former is None or former in stored.values():
        return False
    store.insert_once(f"{store.DATABASE_KEY}/{_key(former).key_id}", former)
    return True


def forget() -> None:
    """Drop the remembered keys of all databases."""
    _remembered.clear()


def make_database_key() -> None:
    """Store a database key if there is none; of processes that race, one wins.

    A key that this process has used before is stored again rather than replaced.

    Raises:
        KeyRefused: the row is gone while values sealed with it are still there.
        KeyStoreMissing: the table does not exist yet.
    """
    text = _remembered.get(_place())
    if text is None:
        if count_database_key_values(limit=1):
            raise KeyRefused(
                "the row _auto_encryption_key is missing from bt_security_setting, but values "
                "sealed with that key exist. Restore the row from a backup; a new key would "
                "not open them, so none is made."
            )
        text = base64.b64encode(os.urandom(KEY_BYTES)).decode("ascii")
    _remembered[_place()] = store.insert_once(store.DATABASE_KEY, text)
    if _remembered[_place()] == text:
        report("keys.database_key_created", target=f"key:{_key(text).key_id}")
