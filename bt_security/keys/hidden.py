"""Text that error reports must not show."""

from __future__ import annotations


class HiddenText(str):
    """A `str` whose `repr` says nothing.

    Error reports show the local variables of every frame and the parameters of SQL statements
    by `repr`, so the database key is held in this class from the moment it is read or made.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "<hidden>"
