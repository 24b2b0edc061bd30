"""Bars of a chart: where the rectangles of counts stand in a box, for an inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

WIDTH, HEIGHT = 960, 200
_GAP = 2
_LABELS = 8

T = TypeVar("T")


class Segment(NamedTuple):
    """A rectangle of one outcome."""

    outcome: str
    y: float
    height: float


class Column(NamedTuple):
    """One bar: where it stands, and its rectangles from the bottom to the top."""

    x: float
    width: float
    segments: tuple[Segment, ...]


def stacked(counts: Sequence[Sequence[int]], outcomes: Sequence[str]) -> list[Column]:
    """Return a bar for each tuple of counts, which are in the order of `outcomes`.

    The highest bar fills the box of `WIDTH` by `HEIGHT`; what counts nothing has no rectangle.
    """
    highest = max(map(sum, counts), default=0)
    step = WIDTH / max(1, len(counts))
    return [
        Column(
            round(number * step, 2),
            round(step - _GAP, 2),
            _segments(of_bar, outcomes, highest),
        )
        for number, of_bar in enumerate(counts)
    ]


def labelled(bars: Sequence[T]) -> list[T]:
    """Return the bars that have their time below them; the end of the box has no room for one."""
    step = max(1, len(bars) // _LABELS)
    return list(bars[: len(bars) - step // 2 : step])


def _segments(counts: Sequence[int], outcomes: Sequence[str], highest: int) -> tuple[Segment, ...]:
    segments, top = [], float(HEIGHT)
    for outcome, count in zip(outcomes, counts, strict=True):
        if count:
            height = HEIGHT * count / highest
            top -= height
            segments.append(Segment(outcome, round(top, 2), round(height, 2)))
    return tuple(segments)
