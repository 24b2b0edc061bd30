"""What migrations record: the place a value is sealed for, and where fields are imported from."""

from __future__ import annotations

OPTIONS = (
    "allow_plaintext",
    "bind_to",
    "confirm_lookup",
    "lookup",
    "previous_contexts",
    "previous_lookups",
)
"""What an encrypted field has besides the options of the plain field."""

NOT_IN_THE_SCHEMA = (
    "bind_to",
    "confirm_lookup",
    "context",
    "db_collation",
    "decimal_places",
    "decoder",
    "encoder",
    "lookup",
    "max_digits",
    "max_length",
    "previous_contexts",
    "previous_lookups",
    "protocol",
    "unique",
    "unpack_ipv4",
)
"""Options that say nothing about the column: changing one alters no table."""


class Context(str):
    """`app_label.model.field` in a migration: equal to every other context.

    The autodetector compares fields; if two contexts differed, a rename would look like a
    removal and an addition, and the column would be dropped.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Context) or str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(Context)


class SourceName(Context):
    """The `source` of a blind index in a migration, equal to every other for the same reason."""

    __slots__ = ()
    __hash__ = Context.__hash__


def public_path(path: str) -> str:
    """Return the import path that migrations use: the package, not the module inside."""
    package, _, name = path.rpartition(".")
    inside = package.startswith("bt_security.fields.")
    return f"bt_security.fields.{name}" if inside else path
