"""The logs of this package that have an age, and from when on a row of each is too old."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from bt_security import tokens
from bt_security.conf import conf
from bt_security.devices.known import oldest
from bt_security.headers.reports import first_kept_day
from bt_security.models import CspReport, Device, LoginEvent
from bt_security.models.batches import Tick, delete_in_batches
from bt_security.models.login_event import LoginEventQuerySet
from bt_security.sessions import registry
from bt_security.tokens.pruning import due as due_tokens

NAMES = ("logins", "unknown_logins", "sessions", "devices", "tokens", "csp_reports")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One log: `count` says how many rows are too old, `delete(batch_rows, tick)` deletes them.

    `kept_days` is there where the age alone decides.
    """

    name: str
    help: str
    count: Callable[[], int]
    delete: Callable[[int, Tick], object]
    kept_days: int | None = None


def all_kinds(*, kept_days: int = 0, unknown_kept_days: int = 0) -> list[Kind]:
    """Return the logs, what is too old as of now; 0 days = those of the settings."""
    today = timezone.now().date()
    return [
        _of_events(
            "logins",
            "log-ins of accounts",
            LoginEvent.objects.of_accounts(),
            days=kept_days or conf.history.kept_days,
        ),
        _of_events(
            "unknown_logins",
            "attempts with a name that no account has",
            LoginEvent.objects.of_nobody(),
            days=unknown_kept_days or conf.history.unknown_kept_days,
        ),
        _of_rows("sessions", "sessions that are over", registry.over()),
        _of_rows(
            "devices",
            "browsers that nobody is known by any more",
            Device.objects.not_seen_since(oldest()),
        ),
        Kind(
            name="tokens",
            help="uses of tokens that have ended, and API tokens that ended long ago",
            count=lambda: sum(due_tokens()),
            delete=_delete_tokens,
        ),
        _of_rows(
            "csp_reports",
            "counted violations of the content security policy",
            CspReport.objects.before(first_kept_day(today)),
            kept_days=conf.headers.csp_report_kept_days,
        ),
    ]


def _of_events(name: str, help: str, events: LoginEventQuerySet, *, days: int) -> Kind:
    too_old = events.older_than(timezone.now() - timedelta(days=days))
    return _of_rows(name, help, too_old, kept_days=days)


def _of_rows(name: str, help: str, rows: QuerySet[Any], *, kept_days: int | None = None) -> Kind:
    return Kind(
        name=name,
        help=help,
        count=rows.count,
        delete=lambda batch_rows, tick: delete_in_batches(rows, batch_rows=batch_rows, tick=tick),
        kept_days=kept_days,
    )


def _delete_tokens(batch_rows: int, tick: Tick) -> None:
    tick(sum(tokens.prune(batch_rows=batch_rows)))
