"""What makes two plaintexts equal for a blind index."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

Normaliser = Callable[[str], str]
LookupOption = str | Normaliser

# Vowels that decompose into marks of two classes: only taken apart can they be put in order.
_TIBETAN = {0x0F73: "\u0f71\u0f72", 0x0F75: "\u0f71\u0f74", 0x0F81: "\u0f71\u0f80"}


def exact(value: str) -> str:
    """Leave the text alone."""
    return value


def casefold(value: str) -> str:
    """Fold case and compatibility forms, as Unicode caseless matching does.

    Source: The Unicode Standard, section 3.13, definition D146.
    """
    value = value if value.isascii() else _in_canonical_order(value.translate(_TIBETAN))
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", value).casefold())
    return unicodedata.normalize("NFKC", folded.casefold())


def _in_canonical_order(value: str) -> str:
    """Put combining marks into the order that normalisation gives them anyway.

    The library sorts them by insertion, so that a long run of marks, which anybody can post,
    would keep a process busy for minutes. Sorting is stable, and so is the result.

    Source: The Unicode Standard, section 3.11, definition D108.
    """
    ordered: list[str] = []
    marks: list[str] = []
    for character in value:
        if unicodedata.combining(character):
            marks.append(character)
        else:
            ordered += sorted(marks, key=unicodedata.combining)
            ordered.append(character)
            marks = []
    return "".join([*ordered, *sorted(marks, key=unicodedata.combining)])


def email(value: str) -> str:
    """Fold case and drop surrounding white space; the local part is folded as well."""
    return casefold(value.strip())


def digits(value: str) -> str:
    """Keep the decimal digits, written in ASCII: telephone, card and account numbers."""
    return "".join(
        str(unicodedata.decimal(character))
        for character in value
        if unicodedata.decimal(character, None) is not None
    )


BUILT_IN: dict[str, Normaliser] = {
    "exact": exact,
    "casefold": casefold,
    "email": email,
    "digits": digits,
}
FOLDING = frozenset({"casefold", "email"})


def normaliser_name(option: LookupOption) -> str:
    """Return the name that goes into the index: a built-in name or a dotted path.

    Raises:
        ValueError: an unknown name, or a callable that cannot be imported by its path.
    """
    if isinstance(option, str):
        if option not in BUILT_IN:
            raise ValueError(f"unknown lookup {option!r}: use one of {', '.join(BUILT_IN)}")
        return option
    name = f"{option.__module__}.{option.__qualname__}"
    if "<" in name:
        raise ValueError("a lookup callable must be a function at the top level of a module")
    return name


def normaliser(option: LookupOption) -> Normaliser:
    """Return the function behind a `lookup=` option."""
    return BUILT_IN[option] if isinstance(option, str) else option


def folds_case(option: LookupOption) -> bool:
    """Whether `iexact` may use the index; a callable says so by `folds_case = True`."""
    if isinstance(option, str):
        return option in FOLDING
    return bool(getattr(option, "folds_case", False))
