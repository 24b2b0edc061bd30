"""The sealed shape in SQL, for CHECK constraints and generated index columns."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

from bt_security.crypto import INDEX_LENGTH, PREFIX_LENGTH, SHORTEST_SEALED

_PREFIX = "e[12]:[0-9a-f]{8}:"
_INDEX = f"[a-z2-7]{{{INDEX_LENGTH}}}:"
_BOX = "[A-Za-z0-9+/]{38,}={0,2}"
INDEXED_LENGTH = PREFIX_LENGTH + INDEX_LENGTH + 1


def sealed_shape(connection: BaseDatabaseWrapper, column: str) -> str:
    """Return an SQL condition that is true for sealed text; `column` is quoted SQL."""
    if connection.vendor == "sqlite":
        hexadecimal = "[0-9a-f]" * 8
        return (
            f"{column} GLOB 'e[12]:{hexadecimal}:*' AND length({column}) >= {SHORTEST_SEALED} "
            f"AND {column} NOT GLOB '*[^A-Za-z0-9+/=:]*'"
        )
    return _regular_expression(connection, column, f"^{_PREFIX}({_INDEX})?{_BOX}$")


def indexed_shape(connection: BaseDatabaseWrapper, column: str) -> str:
    """Return an SQL condition that is true for sealed text that carries a blind index."""
    if connection.vendor == "sqlite":
        index = "[a-z2-7]" * INDEX_LENGTH
        return f"{sealed_shape(connection, column)} AND {column} GLOB 'e[12]:*:{index}:*'"
    return _regular_expression(connection, column, f"^{_PREFIX}{_INDEX}{_BOX}$")


def _regular_expression(connection: BaseDatabaseWrapper, column: str, pattern: str) -> str:
    if connection.vendor == "postgresql":
        return f"{column} ~ '{pattern}'"
    # MariaDB's `$` also matches before a final newline, which the second condition excludes.
    return f"{column} REGEXP '{pattern}' AND {column} NOT REGEXP '[^A-Za-z0-9+/=:]'"


def byte_collation(connection: BaseDatabaseWrapper) -> str | None:
    """Return the collation that compares bytes, where the database needs to be told."""
    return "utf8mb4_bin" if connection.vendor == "mysql" else None
