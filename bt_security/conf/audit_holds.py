"""How legal holds are written in the settings: which entries have to be kept."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

HoldKind = Literal["tenant", "actor", "target"]

_TARGET = re.compile(r"[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*", re.ASCII)


class Hold(NamedTuple):
    """One hold: on the entries of a tenant or an actor, or about a target of a kind."""

    kind: HoldKind
    id: str
    target_kind: str = ""


def parse_hold(text: str) -> Hold:
    """Return what `tenant:ID`, `actor:ID` or `app.model:ID` holds.

    Raises:
        ValueError: it is written in another way.
    """
    word, _, held_id = text.partition(":")
    if held_id and held_id == held_id.strip():
        if word == "tenant":
            return Hold("tenant", held_id)
        if word == "actor":
            return Hold("actor", held_id)
        if _TARGET.fullmatch(word):
            return Hold("target", held_id, word)
    raise ValueError(f"no legal hold: {text!r}; write tenant:ID, actor:ID or app.model:ID")
