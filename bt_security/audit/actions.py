"""The names that entries may have, with their severity and their words in other vocabularies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bt_security.models import Outcome, Severity

OnError = Literal["raise", "spool"]
"""What happens when the entry cannot be stored: the action fails, or the entry waits in a file."""

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", re.ASCII)
_MAX_CHARS = 64

_actions: dict[str, Action] = {}


@dataclass(frozen=True, slots=True)
class Action:
    """One registered name.

    `owasp` is a word of the OWASP Logging Vocabulary, `ocsf_class` and `ocsf_activity` the
    numbers `class_uid` and `activity_id` of OCSF 1.x; `refused_severity` counts where the outcome
    is not success.
    """

    name: str
    help: str
    severity: Severity
    refused_severity: Severity
    owasp: str
    ocsf_class: int
    ocsf_activity: int
    on_error: OnError

    def severity_of(self, outcome: Outcome) -> Severity:
        """Return how much an entry with this outcome deserves attention."""
        return self.severity if outcome == Outcome.SUCCESS else self.refused_severity


def register(
    name: str,
    *,
    help: str,
    severity: Severity = Severity.INFORMATIONAL,
    refused_severity: Severity = Severity.MEDIUM,
    owasp: str = "",
    ocsf_class: int = 6003,
    ocsf_activity: int = 99,
    on_error: OnError = "raise",
) -> Action:
    """Register a name for `record`, best in `AppConfig.ready`: `register("bill.paid", help="…")`.

    `name` is dotted, lower case, at most 64 characters. By default an entry is an OCSF "API
    activity" of another kind. Registering the same again changes nothing.

    Raises:
        ValueError: not such a name, or it is registered with other values.
    """
    if len(name) > _MAX_CHARS or _NAME.fullmatch(name) is None:
        raise ValueError(f"not the name of an action: {name!r}; it is like 'bill.paid'")
    action = Action(
        name, help, severity, refused_severity, owasp, ocsf_class, ocsf_activity, on_error
    )
    if _actions.setdefault(name, action) != action:
        raise ValueError(f"the action {name!r} is registered already, with other values")
    return action


def registered(name: str) -> Action:
    """Return a registered action.

    Raises:
        ValueError: nobody has registered it.
    """
    try:
        return _actions[name]
    except KeyError:
        raise ValueError(
            f"the action {name!r} is not registered: call bt_security.audit.register in "
            "AppConfig.ready"
        ) from None


def all_actions() -> Iterator[Action]:
    """Yield every registered action, by name."""
    for name in sorted(_actions):
        yield _actions[name]
