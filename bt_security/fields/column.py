"""The sealed shape in SQL, for CHECK constraints and generated index columns."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

from bt_security.crypto import INDEX_LENGTH, PREFIX_LENGTH, SHORTEST_SEALED

INDEX_END = PREFIX_LENGTH + INDEX_LENGTH
"""Where the `:` behind a blind index stands; base64 has none there."""

INDEXED_LENGTH = INDEX_END + 1
"""Length of what stands before the base64 of a value with a blind index."""

KEY_ID = slice(len("e2:"), PREFIX_LENGTH - 1)
"""The part of a sealed text that names its key."""

_PREFIX = "e[12]:" + "[0-9a-f]" * 8 + ":"
_INDEX = "[a-z2-7]" * INDEX_LENGTH + ":"


def sealed_shape(connection: BaseDatabaseWrapper, column: str) -> str:
    """Return an SQL condition that is true for sealed text; `column` is quoted SQL.

    It looks at the prefix and for the shortest length. Looking at every character would cost
    more than sealing does and would still not tell a forged text from a real one.
    """
    if connection.vendor == "sqlite":
        return _begins(connection, column, _PREFIX + "?" * (SHORTEST_SEALED - PREFIX_LENGTH))
    return f"{_begins(connection, column, _PREFIX)} AND octet_length({column}) >= {SHORTEST_SEALED}"


def indexed_shape(connection: BaseDatabaseWrapper, column: str) -> str:
    """Return an SQL condition that is true for sealed text that carries a blind index."""
    return _begins(connection, column, _PREFIX + _INDEX)


def _begins(connection: BaseDatabaseWrapper, column: str, classes: str) -> str:
    if connection.vendor == "sqlite":
        return f"{column} GLOB '{classes}*'"
    operator = "~" if connection.vendor == "postgresql" else "REGEXP"
    return f"{column} {operator} '^{classes}'"


def byte_collation(connection: BaseDatabaseWrapper) -> str | None:
    """Return the collation that compares bytes, where the database needs to be told."""
    return "utf8mb4_bin" if connection.vendor == "mysql" else None
