"""Pages of the log in the admin, templates included: at a tenth of the entries and at all."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.urls import reverse

from benchmarks.audit.around import made_request
from benchmarks.audit.filling import fill
from benchmarks.measure import Options, Stopwatch
from benchmarks.report import Line, Result
from bt_security.audit.seals.sealing import seal
from bt_security.conf import conf
from bt_security.models import AuditEntry

PAGE_NUMBER = 1_000
SECONDS_AT_MOST, SQL_SECONDS_AT_MOST = 0.1, 0.01
FLAT = (0.7, 1.3)


@dataclass
class Pages:
    """Seconds of one page at one size: the whole answer, and its statements."""

    whole: list[float] = field(default_factory=list)
    sql: list[float] = field(default_factory=list)


def run(options: Options) -> Result:
    sizes = (max(1, options.large_rows // 10), options.large_rows)
    fewer, all_of_them = ({name: Pages() for name in queries()} for _ in sizes)
    client = _logged_in()
    for count, found in zip(sizes, (fewer, all_of_them), strict=True):
        fill(count)
        seal()
        for query in queries().values():  # templates and forms are made at the first visit
            visit(client, query, Pages())
        for _ in range(options.large_repeats):
            for name, query in queries().items():
                visit(client, query, found[name])
    lines = [line for name in fewer for line in of_page(name, all_of_them[name], fewer[name])]
    few, many = (f"{count:,}" for count in sizes)
    title = f"the log in the admin, {many} entries / {few}, on {connection.display_name}"
    return Result(title, lines)


def queries() -> dict[str, str]:
    """Return what is asked for; a page is found by the id before which it stands."""
    newest = AuditEntry.objects.newest_first().values_list("id", flat=True).first() or 1
    place = max(1, newest - (PAGE_NUMBER - 1) * conf.audit.page_size + 1)
    return {
        "first page": "",
        f"page {PAGE_NUMBER:,} by cursor": f"?before={place}",
        "filter by actor": "?actor=user:7",
    }


class Statements:
    """Times every statement of the database, and refuses one that counts."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        assert "COUNT(" not in sql.upper(), sql
        started = time.perf_counter()
        try:
            return execute(sql, *rest)
        finally:
            self.seconds += time.perf_counter() - started


def visit(client: Client, query: str, into: Pages) -> None:
    """Ask for a page."""
    address = reverse("admin:bt_security_auditentry_changelist") + query
    statements = Statements()
    with Stopwatch() as watch, connection.execute_wrapper(statements):
        answer = client.get(address)
    assert answer.status_code == 200, answer.status_code
    into.whole.append(watch.seconds)
    into.sql.append(statements.seconds)


def of_page(name: str, ours: Pages, fewer: Pages) -> list[Line]:
    """Return the lines of one page: the whole answer, and the statements alone."""
    ratio = (median(ours.whole) / median(fewer.whole),)
    flat = f"<= {1e3 * SECONDS_AT_MOST:.0f} ms, {FLAT[0]}x..{FLAT[1]}x"
    sql = f"<= {1e3 * SQL_SECONDS_AT_MOST:.0f} ms"
    return [
        Line(name, median(ours.whole), median(fewer.whole), "ms", ratio, target=flat),
        Line(f"{name}: SQL", median(ours.sql), median(fewer.sql), "ms", target=sql),
    ]


def _logged_in() -> Client:
    """Return the browser of somebody who may read everything."""
    request = made_request("auditor")
    get_user_model()._default_manager.filter(username="auditor").update(
        is_staff=True, is_superuser=True
    )
    client = Client(REMOTE_ADDR="192.0.2.7")
    client.cookies[settings.SESSION_COOKIE_NAME] = request.session.session_key
    return client
