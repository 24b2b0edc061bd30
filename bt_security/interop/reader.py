"""What every reader module offers, and how one is found by its dotted path."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Protocol, cast

from django.core.exceptions import ImproperlyConfigured

from bt_security.interop.stored_form import Stored


class Reader(Protocol):
    """A module that opens one foreign format.

    `NAME` is the spoken name. `HAS_PREFIX` is True when no plaintext of the old package can look
    like a value of the format.
    """

    NAME: str
    HAS_PREFIX: bool

    def is_foreign(self, stored: Stored) -> bool:
        """Tell by its shape alone whether `stored` may be of this format; opens nothing."""

    def open_foreign(self, stored: Stored, *, internal_type: str) -> object:
        """Return the value as the old field gave it.

        `internal_type` is Django's name for the new field's plain type, such as "DateField". A
        `str` is text that the new field's codec turns into the value (JSON for "JSONField"; a time
        without offset is UTC), anything else is the value itself.

        Raises:
            NotSealed: not this format.
            WrongKey: no configured key opens it; most formats cannot tell this from tampering.
            Tampered: the key is right and the content is not.
            ImproperlyConfigured: a setting of the replaced package is missing or malformed.
        """


_PARTS: dict[str, Callable[[object], bool]] = {
    "NAME": lambda found: isinstance(found, str),
    "HAS_PREFIX": lambda found: isinstance(found, bool),
    "is_foreign": lambda found: callable(found),
    "open_foreign": lambda found: callable(found),
}


@cache
def load_reader(dotted: str) -> Reader:
    """Return the reader module at `dotted`, such as "bt_security.interop.trek".

    Raises:
        ImproperlyConfigured: no such module, or a module that is not a reader.
    """
    try:
        module = import_module(dotted)
    except (ImportError, TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"no foreign format {dotted!r}: {error}") from error
    missing = [
        name for name, is_right in _PARTS.items() if not is_right(getattr(module, name, None))
    ]
    if missing:
        raise ImproperlyConfigured(
            f"{dotted} is not a foreign format, it lacks {', '.join(missing)}"
        )
    return cast(Reader, module)
