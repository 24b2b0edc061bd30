"""What stands for a sealed value in Python while it is not open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from bt_security.crypto import PREFIX_LENGTH, looks_sealed
from bt_security.exceptions import NotSealed, OpenRefused

if TYPE_CHECKING:
    from collections.abc import Callable


class Sealed:
    """A sealed text that is known to be one, as opposed to a `str`, which is plaintext.

    Fixtures, `values()` of bound columns and rotation use it; assigning one to an encrypted
    field stores its text as it is. Equal when the texts are equal.
    """

    __slots__ = ("_opener", "text")

    def __init__(self, text: str, *, opener: Callable[..., Any] | None = None) -> None:
        """Take a sealed text.

        Raises:
            NotSealed: the text does not have the shape of one.
        """
        if not looks_sealed(text):
            raise NotSealed
        self.text = text
        self._opener = opener

    @classmethod
    def trusted(cls, text: str, *, opener: Callable[..., Any] | None = None) -> Self:
        """Wrap a text that was sealed just now or comes from a sealed column."""
        made = cls.__new__(cls)
        made.text = text
        made._opener = opener
        return made

    def open(self, **bound: Any) -> Any:
        """Return the plaintext value; `bound` gives the bound columns by field name.

        Raises:
            TypeError: the value does not come from a column, or a bound column is missing.
            WrongKey, RetiredKey, Tampered, NotSealed: it does not open.
        """
        if self._opener is None:
            raise TypeError("this sealed value does not know its column: use field.open_text(…)")
        return self._opener(self.text, bound)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.text[:PREFIX_LENGTH]}>"

    def __eq__(self, other: object) -> bool:
        return self.text == other.text if isinstance(other, Sealed) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.text)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self).trusted, (self.text,))


class LoadedSealed(Sealed):
    """A bound value as it came from the database: opened once, when its attribute is read."""

    __slots__ = ("is_open", "opened")
    is_open: bool
    opened: Any

    @classmethod
    def trusted(cls, text: str, *, opener: Callable[..., Any] | None = None) -> Self:
        """Wrap a text that comes from a sealed column."""
        made = super().trusted(text, opener=opener)
        made.is_open = False
        return made


class Hidden:
    """Plaintext on its way from `pre_save` to `get_db_prep_save`, not shown by tracebacks."""

    __slots__ = ("plaintext",)

    def __init__(self, plaintext: Any) -> None:
        self.plaintext = plaintext


class Unreadable:
    """The stored text of a value that did not open; saving its row writes it back untouched."""

    __slots__ = ("error", "field", "text")

    def __init__(self, text: str, error: OpenRefused, *, field: Any = None) -> None:
        self.text = text
        self.field = field
        # A traceback would keep frames alive for as long as the row is, with keys in them.
        self.error = error.with_traceback(None)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_unreadable, (self.text, self.error, self.field))

    def __repr__(self) -> str:
        return f"<Unreadable: {type(self.error).__name__}>"

    def __str__(self) -> str:
        return repr(self)


def _unreadable(text: str, error: OpenRefused, field: Any) -> Unreadable:
    if field is not None:
        field.watch_attribute()
    return Unreadable(text, error, field=field)
