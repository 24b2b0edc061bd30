"""Recording a log-in against `objects.create` of its plain twin, values sealed and not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

from django.db import connection, transaction
from django.http import HttpRequest
from django.utils import timezone

from benchmarks.encryption.tables import empty
from benchmarks.history.filling import ADDRESS, AGENT, columns, person
from benchmarks.history.floors.models import PlainEvent
from benchmarks.measure import Options, Stopwatch, Timed, paired
from benchmarks.report import Line, Result
from bt_security.history.recording import record
from bt_security.models import LoginEvent, LoginOutcome

AT_MOST = 2.0
EVENTS_MAX = 1_000


def run(options: Options) -> Result:
    count = max(5, min(options.rows // 20, EVENTS_MAX))
    user, request = person("reader"), made_request()
    empty(LoginEvent, PlainEvent)

    def ours() -> None:
        record(user=user, outcome=LoginOutcome.SUCCESS, request=request)

    def floor() -> None:
        PlainEvent.objects.create(**columns(user, timezone.now()))

    lines = []
    for in_one, mode in ((False, "autocommit"), (True, "one transaction")):
        sides = (timed(side, count, options, in_one=in_one) for side in (ours, floor))
        pairs = paired(*sides, options.repeats)
        name = f"recording a log-in, {mode} / objects.create of plain columns"
        lines.append(Line.of(name, pairs, "us", count=count, at_most=AT_MOST))
    assert LoginEvent.objects.count() == PlainEvent.objects.count()
    return Result(f"an event / a plain row on {connection.display_name}", lines)


def timed(write: Callable[[], None], count: int, options: Options, *, in_one: bool) -> Timed:
    """Return what writes `count` rows, each with a commit of its own or all with one."""

    def once() -> float:
        around = transaction.atomic() if in_one else nullcontext()
        with Stopwatch(options.clock) as watch, around:
            for _ in range(count):
                write()
        return watch.seconds

    return once


def made_request() -> HttpRequest:
    """Return a request as a browser sends it."""
    request = HttpRequest()
    request.META.update(
        HTTP_USER_AGENT=AGENT, REMOTE_ADDR=ADDRESS, SERVER_NAME="testserver", SERVER_PORT="80"
    )
    return request
