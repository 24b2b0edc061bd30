"""The content of a session: what the site stores, and what decides about its end."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import astuple, dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY

Identity = tuple[str | None, str | None]
"""User and password hash that a session belongs to, as Django's log-in puts them there."""


@dataclass(frozen=True)
class Operator:
    """Who acts through an impersonated session: user, public id of the own session, and its mark.

    The key of the own session is not among them: only the operator's browser has it.
    """

    user: str
    session: str
    mark: list[Any] = field(repr=False)


@dataclass
class Facts:
    """What a session carries besides the site's own values; times are seconds since 1970.

    `mark` is what its user was like at the log-in, None for a session of nobody. `deadline` is the
    absolute limit. `operator` is there while somebody else acts as its user.
    """

    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    created: float = field(default_factory=lambda: time.time())
    deadline: float = field(default_factory=lambda: time.time() + settings.SESSION_COOKIE_AGE)
    mark: list[Any] | None = None
    operator: Operator | None = None

    def left_seconds(self) -> int:
        """Return how long the session may still live."""
        end = min(self.deadline, self.created + settings.SESSION_COOKIE_AGE)  # may be shorter now
        return max(0, int(end - time.time() + 0.5))


def identity(values: dict[str, Any]) -> Identity:
    """Return whom the values of a session belong to."""
    return values.get(SESSION_KEY), values.get(HASH_SESSION_KEY)


def pack(facts: Facts, values: dict[str, Any]) -> bytes:
    """Return the JSON that is sealed.

    Raises:
        TypeError: a value is none that JSON has.
    """
    known = {"id": facts.uuid, "at": facts.created, "until": facts.deadline, "mark": facts.mark}
    if facts.operator is not None:
        known["by"] = astuple(facts.operator)
    return json.dumps({"facts": known, "values": values}, separators=(",", ":")).encode("utf-8")


def unpack(content: bytes) -> tuple[Facts, dict[str, Any]]:
    """Return what `pack` was given."""
    found = json.loads(content)
    known = found["facts"]
    operator = Operator(*known["by"]) if "by" in known else None
    facts = Facts(known["id"], known["at"], known["until"], known["mark"], operator)
    return facts, found["values"]
