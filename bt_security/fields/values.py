"""What stands for a sealed value in Python while it is not open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bt_security.crypto import looks_sealed
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
    def trusted(cls, text: str, *, opener: Callable[..., Any] | None = None) -> Sealed:
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
        return f"<{type(self).__name__} {self.text[:12]}>"

    def __eq__(self, other: object) -> bool:
        return self.text == other.text if isinstance(other, Sealed) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.text)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self).trusted, (self.text,))


class Unreadable:
    """The stored text of a value that did not open; saving its row writes it back untouched."""

    __slots__ = ("error", "text")

    def __init__(self, text: str, error: OpenRefused) -> None:
        self.text = text
        self.error = error

    def refusal(self, *, model: str, field: str, pk: object) -> OpenRefused:
        """Return the error to raise, with the place filled in."""
        return self.error.located(model=model, field=field, pk=pk)

    def __repr__(self) -> str:
        return f"<Unreadable: {type(self.error).__name__}>"

    def __str__(self) -> str:
        return repr(self)
