"""The place a value is sealed for, as migrations record it."""

from __future__ import annotations


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
