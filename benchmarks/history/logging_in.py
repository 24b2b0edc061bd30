"""A log-in with the history against the same without it, each on a site of its own."""

from __future__ import annotations

from benchmarks.measure import Options
from benchmarks.report import Line, Result
from benchmarks.request.__main__ import compare
from benchmarks.request.stacks import Comparison

AT_MOST = 1.5
COMPARISONS = [
    Comparison(
        "beside our sessions", "login", "our db with history", "our db with devices", AT_MOST
    ),
    Comparison("beside Django's sessions", "login", "django db with history", "django db"),
]
NOTE = (
    "Every log-in is that of a browser that is not known yet, with a fast hasher of passwords. "
    "Our sessions remember browsers without the history as well; beside Django's, that is part of "
    "the difference. Always on SQLite."
)


def run(options: Options) -> Result:
    lines: list[Line] = [compare(one, options)[0] for one in COMPARISONS]
    return Result("a log-in / the same without the history", lines, [NOTE])
