"""How a setting is declared: default, type, range and help in one place, read live."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import (
    Any,
    ClassVar,
    Generic,
    Literal,
    NoReturn,
    TypeVar,
    get_args,
    get_origin,
    overload,
)

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

NAME_PREFIX = "BT_SECURITY_"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the value of a setting is refused; `text` is whole and holds no secret."""

    kind: Literal["type", "range", "choice"]
    text: str


class Setting(Generic[T]):
    """One declared setting, and the descriptor that reads it. Made by `setting`.

    `name` is the flat Django name; a `Section` fills it in. `choices` are the allowed values, or
    the allowed items of a list. A `secret` value is never shown by a command, check or error.
    """

    name = ""

    def __init__(
        self,
        default: T,
        *,
        shape: Any,
        help: str,
        minimum: int | None,
        maximum: int | None,
        choices: Sequence[str],
        secret: bool,
    ) -> None:
        if secret and choices:
            raise TypeError("a secret has no choices: they are public, and a refusal quotes values")
        self._default = default
        self._shape = shape
        self.help = help
        self.minimum = minimum
        self.maximum = maximum
        self.choices = tuple(choices)
        self.secret = secret

    @overload
    def __get__(self, section: None, owner: type) -> Setting[T]: ...

    @overload
    def __get__(self, section: Section, owner: type) -> T: ...

    def __get__(self, section: Section | None, owner: type) -> Setting[T] | T:
        return self if section is None else self.read()

    def __set__(self, section: Section, value: NoReturn) -> NoReturn:
        raise AttributeError(f"{self.name} is set in the settings of the site, not here")

    @property
    def default(self) -> T:
        """The value without a line in the settings; a fresh copy each time."""
        value: T = _fitted(self._default, self._shape)
        return value

    @property
    def type_name(self) -> str:
        """The type as it is written in Python, such as `list[str]`; "or" joins those of a union."""
        kinds = get_args(self._shape) if isinstance(self._shape, UnionType) else [self._shape]
        return " or ".join(kind.__name__ if not get_args(kind) else str(kind) for kind in kinds)

    @property
    def allowed(self) -> str:
        """Range or choices in words; empty when the type says all."""
        if self.choices:
            return f"{'any of' if get_origin(self._shape) else 'one of'} {', '.join(self.choices)}"
        if self.minimum is not None and self.maximum is not None:
            return f"{self.minimum} to {self.maximum}"
        if self.minimum is not None:
            return f"{self.minimum} or more"
        return "" if self.maximum is None else f"{self.maximum} or less"

    def is_set(self) -> bool:
        """Tell whether the site has a line for it, even one that repeats the default."""
        return hasattr(settings, self.name)

    def read(self) -> T:
        """Return the value in force; lists and dicts are copies.

        Raises:
            ImproperlyConfigured: wrong type, out of range or not among the choices.
        """
        value, fault = self._judged()
        if fault is not None:
            raise ImproperlyConfigured(fault.text)
        return value

    def fault(self) -> Fault | None:
        """Return why the value in force is refused, or None. Never raises for a wrong value."""
        return self._judged()[1]

    def _judged(self) -> tuple[T, Fault | None]:
        value: T = self._default
        try:
            value = _fitted(getattr(settings, self.name, value), self._shape)
        except TypeError as error:
            text = f"{self.name} must be of type {self.type_name}: found {error}."
            return value, Fault("type", text)
        if not self._is_within(value):
            text = f"{self.name} is out of range: {self.allowed} is allowed."
            return value, Fault("range", text)
        return value, self._choice_fault(value) if self.choices else None

    def _is_within(self, value: Any) -> bool:
        if isinstance(value, list):  # the other member of a union
            return True
        return (self.minimum is None or value >= self.minimum) and (
            self.maximum is None or value <= self.maximum
        )

    def _choice_fault(self, value: Any) -> Fault | None:
        items = value if isinstance(value, list) else [value]
        for position, item in enumerate(items):
            if item not in self.choices:
                return Fault("choice", f"{self.name}: {self._unknown(item)}")
            if item in items[:position]:
                return Fault("choice", f"{self.name}: {item!r} stands there twice.")
        return None

    def _unknown(self, item: str) -> str:
        nearest = difflib.get_close_matches(item, self.choices, n=1)
        guess = f", did you mean {nearest[0]!r}?" if nearest else "."
        return f"{item!r} is not known{guess} Allowed: {self.allowed}."


def setting(
    default: T,
    *,
    help: str,
    shape: type[T] | UnionType | None = None,
    minimum: int | None = None,
    maximum: int | None = None,
    choices: Sequence[str] = (),
    secret: bool = False,
) -> Setting[T]:
    """Declare a setting inside a `Section`.

    The type is that of `default`; a list or dict says it by `shape`, for example `list[str]`, and
    so does a setting of two types: `int | list[str]`, where the range is that of the number.
    `minimum` and `maximum` are inclusive, in the unit that the name of the setting ends with.
    """
    return Setting(
        default,
        shape=shape or type(default),
        help=help,
        minimum=minimum,
        maximum=maximum,
        choices=choices,
        secret=secret,
    )


class Section:
    """Settings with a common prefix; a section inside a section is an attribute of it."""

    prefix: ClassVar[str]

    def __init_subclass__(cls, *, prefix: str) -> None:
        """Name the declared settings `BT_SECURITY_[<prefix>_]<ATTRIBUTE>`."""
        cls.prefix = prefix
        start = f"{NAME_PREFIX}{prefix}_" if prefix else NAME_PREFIX
        for attribute, declared in vars(cls).items():
            if isinstance(declared, Setting):
                declared.name = start + attribute.upper()

    def iter_settings(self) -> Iterator[Setting[Any]]:
        """Yield every declaration, those of inner sections too, in the order of the source."""
        for declared in vars(type(self)).values():
            if isinstance(declared, Setting):
                yield declared
            elif isinstance(declared, Section):
                yield from declared.iter_settings()


def _fitted(value: Any, shape: Any) -> Any:
    """Return `value` in fresh containers, or raise TypeError that names the type found."""
    if type(value) is shape:  # settings are read on every request, and most are plain
        return value
    if isinstance(shape, UnionType):
        if type(value) in shape.__args__:
            return value
        shape = _member(value, get_args(shape))
    kinds = get_args(shape)
    if get_origin(shape) is list and isinstance(value, list | tuple):
        return [_fitted(item, kinds[0]) for item in value]
    if get_origin(shape) is dict and isinstance(value, dict):
        return {_fitted(key, kinds[0]): _fitted(item, kinds[1]) for key, item in value.items()}
    is_plain = get_origin(shape) is None and isinstance(value, shape)
    if not is_plain or (isinstance(value, bool) and shape is not bool):
        raise TypeError(type(value).__name__)
    return value


def _member(value: Any, shapes: Sequence[Any]) -> Any:
    """Return the member of a union that `value` is meant to be; a tuple is meant as a list."""
    kind = list if isinstance(value, tuple) else type(value)
    return next((shape for shape in shapes if (get_origin(shape) or shape) is kind), shapes[0])
