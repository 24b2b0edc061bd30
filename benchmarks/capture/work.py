"""The measured process: rows made, changed, deleted and read, with the hooks and without."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import django
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection, transaction
from django.http import HttpRequest
from django.test import override_settings

from benchmarks.capture.models import AuditedItem, BareItem
from benchmarks.measure import Stopwatch, paired
from benchmarks.report import Line, Result
from bt_security.audit import capture, receivers, scopes

NOTE = "n" * 160
AUTOCOMMIT, ONE_TRANSACTION, READ, QUERYSET_UPDATE, UNAUDITED = 2.0, 2.9, 1.05, 1.5, 1.0


def rows_of(model: Any, count: int) -> list[Any]:
    """Return unsaved rows."""
    now = datetime.now(UTC)
    return [
        model(
            name=f"Item number {number} of the collection",
            owner_email=f"owner{number}@example.com",
            amount=Decimal(number) / 4,
            qty=number % 100,
            note=NOTE,
            updated=now,
            code=f"code-{number:010}",
        )
        for number in range(count)
    ]


def clear() -> None:
    """Empty the tables past every hook."""
    verb = "TRUNCATE" if connection.vendor == "postgresql" else "DELETE FROM"
    with connection.cursor() as cursor:
        for table in ("capture_bareitem", "capture_auditeditem", "bt_security_audit_entry"):
            cursor.execute(f"{verb} {table}")


def filled(model: Any, count: int) -> list[Any]:
    """Return rows as they come from the database, of a table that has nothing else."""
    clear()
    model._base_manager.bulk_create(rows_of(model, count), batch_size=500)
    return list(model._base_manager.all())


def create(model: Any, count: int, block: AbstractContextManager[Any]) -> float:
    clear()
    rows = rows_of(model, count)
    with Stopwatch() as watch, block:
        for row in rows:
            row.save()
    return watch.seconds


def update(model: Any, count: int, block: AbstractContextManager[Any]) -> float:
    rows = filled(model, count)
    with Stopwatch() as watch, block:
        for row in rows:
            row.qty += 1
            row.name = f"{row.name}!"
            row.save()
    return watch.seconds


def delete(model: Any, count: int, block: AbstractContextManager[Any]) -> float:
    rows = filled(model, count)
    with Stopwatch() as watch, block:
        for row in rows:
            row.delete()
    return watch.seconds


def read(model: Any, count: int) -> float:
    if model._base_manager.count() != count:
        filled(model, count)
    with Stopwatch() as watch:
        list(model._base_manager.all())
    return watch.seconds


def update_at_once(model: Any, count: int) -> float:
    filled(model, count)
    with Stopwatch() as watch:
        model.objects.all().update(qty=5, name="same")
    return watch.seconds


def delete_at_once(model: Any, count: int) -> float:
    filled(model, count)
    with Stopwatch() as watch:
        model.objects.all().delete()
    return watch.seconds


@contextmanager
def in_request() -> Iterator[None]:
    """Work as a view does: a user, an address, a browser."""
    request = HttpRequest()
    request.META.update(REMOTE_ADDR="192.0.2.7", HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux)")
    request.user = get_user_model().objects.get_or_create(username="reader")[0]
    with scopes.in_request(request):
        yield


def measured(rows: int, repeats: int) -> list[Line]:
    """Measure everything; where each row has its commit, a fifth of the rows."""
    ours, bare = AuditedItem, BareItem
    lines = []

    def compare(
        what: str,
        work: Callable[[Any], float],
        at_most: float,
        *,
        count: int = rows,
        times: int = 1,
    ) -> None:
        pairs = paired(lambda: work(ours), lambda: work(bare), repeats * times)
        lines.append(Line.of(what, pairs, "us", count=count, at_most=at_most))

    for mode, block, count, at_most in (
        ("one commit a row", nullcontext, rows // 5, AUTOCOMMIT),
        ("one transaction", transaction.atomic, rows, ONE_TRANSACTION),
    ):
        for one in (create, update, delete):
            compare(
                f"{one.__name__}, {mode}",
                lambda model, one=one, block=block, count=count: one(model, count, block()),
                at_most,
                count=count,
            )
    compare("read", lambda model: read(model, rows), READ, times=7)
    compare("QuerySet.update", lambda model: update_at_once(model, rows), QUERYSET_UPDATE, times=3)
    lines.append(unaudited(bare, rows, repeats * 3))
    return lines


def unaudited(bare: Any, rows: int, repeats: int) -> Line:
    """Measure what the log costs a model that is not audited."""

    def without_the_log() -> float:
        with override_settings(BT_SECURITY_FEATURES=[]):
            return delete_at_once(bare, rows)

    pairs = paired(lambda: delete_at_once(bare, rows), without_the_log, repeats)
    return Line.of("QuerySet.delete, not audited", pairs, "us", count=rows, at_most=UNAUDITED)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    receivers.connect()
    capture.connect()
    call_command("migrate", verbosity=0, run_syncdb=True)
    with in_request():
        lines = measured(asked.rows, asked.repeats)
    machine = (
        f"{connection.vendor}, Python {platform.python_version()}, Django {django.__version__}"
    )
    Result(f"model capture / bare Django ({machine})", lines).show()


if __name__ == "__main__":
    main()
