"""How many log-ins there were of late, by what became of them."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from django.db.models import Count, Q
from django.utils import timezone

from bt_security.models import LoginEvent, LoginOutcome

DAY, MONTH = timedelta(hours=24), timedelta(days=30)


class Recent(NamedTuple):
    """Log-ins of the last 24 hours and the last 30 days."""

    outcome: LoginOutcome
    day: int
    month: int


def recent() -> list[Recent]:
    """Return the counts of every outcome; one query, which an index alone answers."""
    now = timezone.now()
    events = LoginEvent.objects.filter(happened_at__gte=now - MONTH).order_by()
    of_day = Count("pk", filter=Q(happened_at__gte=now - DAY))
    rows = events.values_list("outcome").annotate(day=of_day, month=Count("pk"))
    found = {outcome: (day, month) for outcome, day, month in rows}
    return [Recent(outcome, *found.get(outcome.value, (0, 0))) for outcome in LoginOutcome]
