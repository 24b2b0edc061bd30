"""What every place that counts has to answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Window(NamedTuple):
    """One budget: at most `limit` hits under `key` in any `seconds`. `key` is a keyed digest."""

    key: str
    limit: int
    seconds: int


class State(NamedTuple):
    """What a budget looks like after a hit.

    `reset_seconds` is the time until it has more left, `wait_seconds` the time until a refused
    hit would pass, 0 if this budget did not refuse. `is_news` marks its first refusal since then.
    """

    hits: int
    reset_seconds: float
    wait_seconds: float
    is_news: bool


class Counter(Protocol):
    """Counts hits; safe to use from several threads."""

    def take(self, operation: str, windows: Sequence[Window]) -> list[State]:
        """Count one hit in all windows if all of them have room, and in none if not.

        Raises:
            StoreUnavailable: the place that counts does not answer.
        """
