"""How many sealed entries each hour has: the chart reads this instead of the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.db.models import F

from bt_security.audit.seals.clock import moment
from bt_security.models import AuditHour

HOUR_MICROSECONDS = 3_600_000_000

Happened = tuple[int, str, int]
"""When something was recorded, in microseconds since 1970, its action and its outcome."""


def add(entries: Iterable[Happened], *, using: str) -> None:
    """Add entries to their hours, in the transaction of the seal that counts them.

    Only one such transaction goes through at a time, because each inserts the next seal.
    """
    counts = Counter(
        (recorded_us // HOUR_MICROSECONDS, action, outcome)
        for recorded_us, action, outcome in entries
    )
    new = []
    for (number, action, outcome), count in counts.items():
        hour = moment(number * HOUR_MICROSECONDS)
        known = AuditHour.objects.using(using).filter(hour=hour, action=action, outcome=outcome)
        if not known.update(count=F("count") + count):
            new.append(AuditHour(hour=hour, action=action, outcome=outcome, count=count))
    AuditHour.objects.using(using).bulk_create(new)
