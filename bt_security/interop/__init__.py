"""Readers of values that other packages stored; nothing here seals or writes in an old format.

A site names the reader of a column in `BT_SECURITY_KEYS_FOREIGN_FORMATS` and runs `rotate_keys`, or
copies an old column into a sealed one with `copy_column` in a data migration.
"""

from __future__ import annotations

from bt_security.interop.column_copy import copy_column
from bt_security.interop.plain_pickle import ForeignTypeRefused
from bt_security.interop.reader import Reader, load_reader

__all__ = ["ForeignTypeRefused", "Reader", "copy_column", "load_reader"]
