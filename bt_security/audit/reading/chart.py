"""The timeline: entries per hour or day and outcome, as the numbers of an inline SVG."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Sum
from django.utils import timezone

from bt_security.models import AuditHour, Outcome
from bt_security.web.bars import HEIGHT, WIDTH, Column, Segment, labelled, stacked

_OUTCOMES = (Outcome.SUCCESS, Outcome.FAILURE, Outcome.REFUSED)


class Span(NamedTuple):
    """A period to draw, up to now: so many bars of so many hours."""

    name: str
    hours: int
    bars: int


SPANS = (Span("24h", 1, 24), Span("7d", 6, 28), Span("30d", 24, 30), Span("90d", 24, 90))
DEFAULT_SPAN = SPANS[1]


class Bar(NamedTuple):
    """One hour or day: where it stands, what it counts, in the order of `Chart.outcomes`."""

    start: datetime
    end: datetime
    x: float
    width: float
    counts: tuple[int, ...]
    segments: tuple[Segment, ...]

    @property
    def total(self) -> int:
        """All entries of the bar."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws; coordinates in a box of `width` by `height`."""

    span: Span
    bars: tuple[Bar, ...]
    highest: int
    total: int
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def outcomes(self) -> list[str]:
        """The outcomes, in the order of the counts."""
        return [str(outcome.label) for outcome in _OUTCOMES]

    @property
    def labelled(self) -> list[Bar]:
        """The bars that have their time below them."""
        return labelled(self.bars)


def drawn(span: Span, *, action: str = "") -> Chart:
    """Return the chart of a span, of one action or all; one query.

    What is not sealed yet is not in it.
    """
    starts = _starts(span)
    counts = _counts(starts, action=action)
    columns = stacked(counts, [outcome.name.lower() for outcome in _OUTCOMES])
    bars = tuple(
        _bar(starts, number, tuple(counts[number]), column) for number, column in enumerate(columns)
    )
    highest = max((bar.total for bar in bars), default=0)
    return Chart(span, bars, highest, sum(bar.total for bar in bars))


def _starts(span: Span) -> list[datetime]:
    """Return where bars start, and at last where the last one ends."""
    now = timezone.localtime()
    if span.hours < 24:
        end = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        return [end - timedelta(hours=span.hours * n) for n in range(span.bars, -1, -1)]
    # By the calendar: a day may have 23 or 25 hours.
    last = now.date() + timedelta(days=1)
    days = [last - timedelta(days=n) for n in range(span.bars, -1, -1)]
    return [timezone.make_aware(datetime(day.year, day.month, day.day)) for day in days]


def _counts(starts: list[datetime], *, action: str) -> list[list[int]]:
    hours = AuditHour.objects.filter(hour__gte=starts[0], hour__lt=starts[-1])
    if action:
        hours = hours.filter(action=action)
    counts = [[0] * len(_OUTCOMES) for _ in starts[1:]]
    places = {outcome.value: place for place, outcome in enumerate(_OUTCOMES)}
    for hour, outcome, count in hours.values_list("hour", "outcome").annotate(n=Sum("count")):
        if outcome in places:
            counts[bisect_right(starts, hour) - 1][places[outcome]] += count
    return counts


def _bar(starts: list[datetime], number: int, counts: tuple[int, ...], column: Column) -> Bar:
    return Bar(
        starts[number],
        starts[number + 1],
        column.x,
        column.width,
        counts,
        column.segments,
    )
