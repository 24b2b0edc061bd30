"""Counts violations: one day, one kind, one row."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import date, timedelta

from django.db import DatabaseError
from django.utils import timezone

from bt_security.conf import conf
from bt_security.models import CspReport
from bt_security.models.batches import delete_in_batches
from bt_security.models.csp_report import Violation

logger = logging.getLogger("bt_security.headers")


def count_violations(violations: Iterable[Violation]) -> None:
    """Count violations on today's rows, and drop rows that are too old.

    A database that refuses costs the count, not the answer: it is logged.
    """
    day = timezone.now().date()
    rows_max = conf.headers.csp_report_rows_per_day
    try:
        _drop_old(day)
        for violation in violations:
            CspReport.objects.count_one(violation, day=day, rows_max=rows_max)
    except DatabaseError:
        logger.exception("Violations of the content security policy could not be counted.")


def first_kept_day(day: date) -> date:
    """Return the first day whose counts are kept on a day."""
    return day - timedelta(days=conf.headers.csp_report_kept_days)


def _drop_old(day: date) -> None:
    """Delete what is too old, on the first report of a day only."""
    if not CspReport.objects.of_day(day).exists():
        delete_in_batches(CspReport.objects.before(first_kept_day(day)))
