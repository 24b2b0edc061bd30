"""The classes that a pickle of a column's value may name, each with the one way it is rebuilt.

Nothing is imported because a pickle says so, and no object but these is ever called: a name that is
not in `MAKERS` is refused.
"""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo


class Maker(NamedTuple):
    """Stands for a class inside a pickle; `make` takes the arguments that the pickle gives it."""

    make: Callable[..., object]


def hashable(items: list[Any]) -> list[Any]:
    """Return `items` unless one is a container: hashing nested ones takes unbounded time.

    Raises:
        TypeError: a name of a dict or a member of a set is a container.
    """
    if not all(type(item) in SCALARS for item in items):
        raise TypeError
    return items


def set_uuid(blank: object, state: Any) -> None:
    """Give a UUID that has been made blank its number.

    Raises:
        TypeError, ValueError, LookupError: the state is not that of a UUID.

    Source: `uuid.UUID.__getstate__` of the Python library.
    """
    if type(blank) is not uuid.UUID or type(state) is not dict:
        raise TypeError
    object.__setattr__(blank, "int", uuid.UUID(int=state["int"]).int)


def exact_text(found: object) -> str:
    """Return `found` if it is a `str` and nothing else.

    Raises:
        TypeError: it is something else, whose `str()` or hash may have no bound.
    """
    if type(found) is not str:
        raise TypeError
    return found


def _zone(name: object, *_from_cache: object) -> ZoneInfo:
    return ZoneInfo(exact_text(name))


def _zone_method(owner: object, name: str) -> Maker:
    if owner is not _ZONE or name != "_unpickle":
        raise ValueError
    return _ZONE


def _pytz_zone(name: object, *offset: Any) -> datetime.tzinfo:
    """A localised pytz zone becomes its fixed offset, which keeps the moment."""
    if not offset:
        return _zone(name)
    seconds, _dst, label = offset
    return datetime.timezone(datetime.timedelta(seconds=seconds), label)


_ZONE = Maker(_zone)
MAKERS: Mapping[tuple[str, str], Maker] = {
    ("backports.zoneinfo", "ZoneInfo"): _ZONE,
    ("builtins", "frozenset"): Maker(lambda items: frozenset(hashable(items))),
    ("builtins", "getattr"): Maker(_zone_method),
    ("builtins", "set"): Maker(lambda items: set(hashable(items))),
    ("datetime", "date"): Maker(datetime.date),
    ("datetime", "datetime"): Maker(datetime.datetime),
    ("datetime", "time"): Maker(datetime.time),
    ("datetime", "timedelta"): Maker(datetime.timedelta),
    ("datetime", "timezone"): Maker(datetime.timezone),
    ("decimal", "Decimal"): Maker(decimal.Decimal),
    ("django.utils.safestring", "SafeString"): Maker(exact_text),
    ("django.utils.safestring", "SafeText"): Maker(exact_text),
    ("pytz", "_UTC"): Maker(lambda: datetime.UTC),
    ("pytz", "_p"): Maker(_pytz_zone),
    ("uuid", "UUID"): Maker(lambda: uuid.UUID(int=0)),
    ("zoneinfo", "ZoneInfo"): _ZONE,
}

SCALARS = frozenset(
    {
        type(None), bool, int, float, str, bytes, decimal.Decimal, uuid.UUID,
        datetime.date, datetime.datetime, datetime.time, datetime.timedelta,
    }
)  # fmt: skip
CONTAINERS = frozenset({dict, list, tuple, set, frozenset})
