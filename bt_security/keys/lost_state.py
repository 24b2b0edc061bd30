"""The key state is missing although values have moved: deleted, or left out of a dump.

Taking that for a site whose move has not begun would let whoever can write the database choose
the key that new values are sealed with.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from bt_security.keys import store
from bt_security.keys.inventory import count_database_key_values, has_values_under

LOOK_AGAIN_SECONDS = 60.0
"""How long at least what was found in the tables is taken to be so."""

_COST = 100
"""And for at least this many times as long as looking took, which is one scan of all tables."""

_MOVED = ("e2:",)

_Question = tuple[tuple[str, str], tuple[str, ...]]
_found: dict[_Question, tuple[bool, float]] = {}
"""Answer by place and prefixes, and until when it counts."""

LOST_STATE = (
    "values of an operator key exist, but the row _key_state is missing from bt_security_setting: "
    "nothing is sealed and no e1: value opens. Restore the row from a backup. Without one run "
    "`manage.py rotate_keys --from-database-key`, which turns every e1: value into one of your "
    "key; only if you trust them all: whoever can write the database can have made them"
)


def has_lost_state() -> bool:
    """Whether values of an operator key exist, asked where there is no row of the state."""
    return _remembered(_MOVED, lambda: has_values_under(_MOVED))


def is_certainly_done(prefixes: Collection[str]) -> bool:
    """Whether nothing needs the database key, and values of the configured keys exist."""
    return _remembered(
        tuple(prefixes),
        lambda: not count_database_key_values(limit=1) and has_values_under(prefixes),
    )


def _remembered(prefixes: tuple[str, ...], look: Callable[[], bool]) -> bool:
    question, started = (store.place(), prefixes), time.monotonic()
    answer, until = _found.get(question, (False, 0.0))
    if started < until:
        return answer
    answer, ended = look(), time.monotonic()
    _found[question] = answer, ended + max(LOOK_AGAIN_SECONDS, _COST * (ended - started))
    return answer


def note_state() -> None:
    """Forget what the tables held: a state is there."""
    place = store.place()
    for question in list(_found):
        if question[0] == place:
            _found.pop(question, None)


def forget() -> None:
    """Forget what was looked at."""
    _found.clear()
