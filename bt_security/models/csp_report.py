"""Violations of the content security policy, counted by day."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, NamedTuple

from django.db import IntegrityError, models, router, transaction
from django.db.models import F

DIRECTIVE_MAX = 40
BLOCKED_MAX = 200
PAGE_MAX = 200
OTHERS = "(others)"


class Violation(NamedTuple):
    """What a report says, without addresses: two alike are counted together.

    `blocked` is an origin or a word such as "inline"; `page` the URL pattern of the page;
    `disposition` is "enforce" or "report".
    """

    directive: str
    blocked: str
    page: str
    disposition: str


class CspReportQuerySet(models.QuerySet["CspReport"]):
    """What is asked of counted violations."""

    def of_day(self, day: date) -> CspReportQuerySet:
        """Return the rows of a day in UTC."""
        return self.filter(day=day)

    def before(self, day: date) -> CspReportQuerySet:
        """Return the rows of earlier days."""
        return self.filter(day__lt=day)

    def count_one(self, violation: Violation, *, day: date, rows_max: int) -> None:
        """Count a violation; safe for any number of processes at once.

        A violation that would be row `rows_max` of its day or later is counted in one row of
        others, so that invented reports do not fill the table.
        """
        if self._raise_count(violation, day):
            return
        if self.of_day(day).count() >= rows_max - 1:
            violation = Violation(OTHERS, OTHERS, OTHERS, violation.disposition)
            if self._raise_count(violation, day):
                return
        self._insert_or_raise(violation, day)

    def _insert_or_raise(self, violation: Violation, day: date) -> None:
        alias = router.db_for_write(self.model)
        try:
            with transaction.atomic(using=alias):
                self.using(alias).create(day=day, count=1, **violation._asdict())
        except IntegrityError:  # another process was first
            self._raise_count(violation, day)

    def _raise_count(self, violation: Violation, day: date) -> bool:
        row = self.filter(day=day, **violation._asdict())
        return bool(row.update(count=F("count") + 1))


class CspReport(models.Model):
    """How often browsers reported one kind of violation on one day."""

    day = models.DateField()
    directive = models.CharField(max_length=DIRECTIVE_MAX)
    blocked = models.CharField(max_length=BLOCKED_MAX)
    page = models.CharField(max_length=PAGE_MAX)
    disposition = models.CharField(max_length=10)
    count = models.PositiveBigIntegerField(default=0)

    objects = CspReportQuerySet.as_manager()

    class Meta:
        db_table = "bt_security_csp_report"
        verbose_name = "CSP report"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["day", "directive", "blocked", "page", "disposition"],
                name="bt_csp_report_once_a_day",
            )
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.directive} {self.blocked}: {self.count}"
