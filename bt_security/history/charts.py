"""Log-ins and refusals per day, as the numbers of an inline SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import timezone as fixed_zone
from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, Count, DateField, When
from django.db.models.functions import TruncDate
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

from bt_security.history.shown import OUTCOME_LABELS
from bt_security.models import LoginEvent, LoginOutcome
from bt_security.web.bars import HEIGHT, WIDTH, Segment, labelled, stacked

DEFAULT_DAYS = 90
MAX_DAYS = 366
_OUTCOMES = tuple(LoginOutcome)
_COLOURS = {
    LoginOutcome.SUCCESS: "#2f7d4f",
    LoginOutcome.FAILURE: "#c05a00",
    LoginOutcome.FACTOR_FAILED: "#b3261e",
}
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


class Kind(NamedTuple):
    """An outcome in the legend; the colour is for pages without our style sheet."""

    outcome: str
    label: str
    colour: str


class Day(NamedTuple):
    """One day: where it stands, what it counts, in the order of `Chart.outcomes`."""

    date: date
    x: float
    width: float
    counts: tuple[int, ...]
    segments: tuple[Segment, ...]

    @property
    def total(self) -> int:
        """All log-ins of the day, whatever became of them."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws; coordinates in a box of `width` by `height`."""

    days: tuple[Day, ...]
    totals: tuple[int, ...]
    highest: int
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def total(self) -> int:
        """All log-ins of the period."""
        return sum(self.totals)

    @property
    def outcomes(self) -> list[str]:
        """The outcomes, in the order of the counts."""
        return [str(OUTCOME_LABELS[outcome]) for outcome in _OUTCOMES]

    @property
    def kinds(self) -> list[Kind]:
        """The outcomes with their colours, in the order of the counts."""
        labels = zip(_OUTCOMES, self.outcomes, strict=True)
        return [Kind(outcome.value, label, _COLOURS[outcome]) for outcome, label in labels]

    @property
    def labelled(self) -> list[Day]:
        """The days that have their date below them."""
        return labelled(self.days)

    @property
    def busy(self) -> list[Day]:
        """The days with a log-in, the newest first."""
        return [day for day in reversed(self.days) if day.total]


def per_day(user_pk: Any = None, *, days: int = DEFAULT_DAYS) -> Chart:
    """Return the log-ins of a user, or of everybody, by outcome for each of the last `days` days.

    One query, grouped by the days of the current time zone. `days` is brought into 1 to 366.
    """
    days = max(1, min(days, MAX_DAYS))
    today = timezone.localdate()
    dates = [today - number * _DAY for number in range(days - 1, -1, -1)]
    counts = _counts(user_pk, dates)
    columns = stacked(counts, [outcome.value for outcome in _OUTCOMES])
    shown = tuple(
        Day(day, column.x, column.width, tuple(of_day), column.segments)
        for day, of_day, column in zip(dates, counts, columns, strict=True)
    )
    totals = tuple(map(sum, zip(*counts, strict=True)))
    return Chart(shown, totals, max(day.total for day in shown))


def _counts(user_pk: Any, dates: list[date]) -> list[list[int]]:
    start, end = _midnight(dates[0]), _midnight(dates[-1] + _DAY)
    events = LoginEvent.objects.all()
    if user_pk is not None:
        events = events.for_user(user_pk)
    found = events.filter(happened_at__gte=start, happened_at__lt=end).order_by()
    grouped = found.annotate(day=_local_date(start, end)).values_list("day", "outcome")
    counts = [[0] * len(_OUTCOMES) for _ in dates]
    places = {outcome.value: place for place, outcome in enumerate(_OUTCOMES)}
    for day, outcome, count in grouped.annotate(count=Count("pk")):
        counts[(day - dates[0]).days][places[outcome]] += count
    return counts


class _Date(TruncDate):
    """The date at a fixed offset, by what the database itself can.

    MariaDB and MySQL know no zone, not even UTC, before somebody has loaded their tables of zones;
    SQLite calls a function of Python for what Django does, and takes ten times as long.
    """

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, tuple[Any, ...]]:
        """Return it as SQLite has it."""
        form = f"date(%s, '{_seconds(self.tzinfo):+} seconds')"
        return self._of_utc(form, compiler, connection)

    def as_mysql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, tuple[Any, ...]]:
        """Return it as MariaDB and MySQL have it."""
        form = f"DATE(%s + INTERVAL {_seconds(self.tzinfo)} SECOND)"
        return self._of_utc(form, compiler, connection)

    def _of_utc(
        self, form: str, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        if connection.timezone_name != "UTC":  # the site's `DATABASES` may say so
            sql, params = self.as_sql(compiler, connection)
        else:
            sql, params = compiler.compile(self.lhs)
            sql = form % sql
        return sql, tuple(params)


def _seconds(zone: Any) -> int:
    return int(zone.utcoffset(None).total_seconds())


def _local_date(start: datetime, end: datetime) -> Case | TruncDate:
    """Return the date of an event in the current time zone.

    The database gets offsets and no name of a zone, which it may not know.
    """
    *earlier, (_, last) = _offsets(start, end)
    rest = _Date("happened_at", tzinfo=last)
    if not earlier:
        return rest
    cases = [
        When(happened_at__lt=until, then=_Date("happened_at", tzinfo=zone))
        for until, zone in earlier
    ]
    return Case(*cases, default=rest, output_field=DateField())


def _offsets(start: datetime, end: datetime) -> Iterator[tuple[datetime, tzinfo]]:
    """Yield the ends of the times in which clocks were not put forward or back, with the offset."""
    begin, last = start.astimezone(UTC), end.astimezone(UTC)
    while begin < last:
        offset, step = _offset(begin), min(begin + _DAY, last)
        while step < last and _offset(step) == offset:
            step = min(step + _DAY, last)
        until = step if _offset(step) == offset else _change(max(begin, step - _DAY), step)
        yield until, fixed_zone(offset)
        begin = until


def _change(before: datetime, after: datetime) -> datetime:
    """Return the second from which the offset is that of `after`."""
    offset = _offset(before)
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        before, after = (middle, after) if _offset(middle) == offset else (before, middle)
    return after


def _offset(moment: datetime) -> timedelta:
    return timezone.localtime(moment).utcoffset() or timedelta()


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day))
