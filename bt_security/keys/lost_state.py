"""The key state is missing although values have moved: deleted, or left out of a dump.

Taking that for a site whose move has not begun would let whoever can write the database choose
the key that new values are sealed with.
"""

from __future__ import annotations

import time
from collections.abc import Collection

from bt_security.keys import store
from bt_security.keys.inventory import count_database_key_values, has_values_under

LOOK_AGAIN_SECONDS = 60.0
"""How long at least a site that held no value of an operator key is taken to hold none."""

_COST = 100
"""And for at least this many times as long as looking took, which is one scan of all tables."""

_untouched_until: dict[tuple[str, str], float] = {}

LOST_STATE = (
    "values of an operator key exist, but the row _key_state is missing from bt_security_setting: "
    "nothing is sealed and no e1: value opens. Restore the row from a backup. Without one run "
    "`manage.py rotate_keys --from-database-key`, which turns every e1: value into one of your "
    "key; only if you trust them all: whoever can write the database can have made them"
)


def has_lost_state() -> bool:
    """Whether values of an operator key exist, asked where there is no row of the state."""
    place, started = store.place(), time.monotonic()
    if started < _untouched_until.get(place, 0.0):
        return False
    if has_values_under(["e2:"]):
        return True
    ended = time.monotonic()
    _untouched_until[place] = ended + max(LOOK_AGAIN_SECONDS, _COST * (ended - started))
    return False


def is_certainly_done(prefixes: Collection[str]) -> bool:
    """Whether nothing needs the database key, and values of the configured keys exist."""
    return not count_database_key_values(limit=1) and has_values_under(prefixes)


def note_state() -> None:
    """Forget that nothing had moved: a state is there."""
    _untouched_until.pop(store.place(), None)


def forget() -> None:
    """Forget what was looked at."""
    _untouched_until.clear()
