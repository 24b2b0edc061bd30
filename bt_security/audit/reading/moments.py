"""Times as people type them."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime

FIRST_YEAR, LAST_YEAR = 1970, 9000


def parse_moment(text: str) -> datetime:
    """Return the time in UTC of ISO 8601; without an offset it is in the site's time zone.

    PostgreSQL takes no offset beyond 15:59, so what was given does not reach it. A date alone is
    its first moment. Years are 1970 to 9000, so that there is a time before and after each.

    Raises:
        ValueError: it is none.
    """
    moment = parse_datetime(text)
    if moment is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"not a time in ISO 8601: {text!r}")
    aware = timezone.make_aware(moment) if timezone.is_naive(moment) else moment
    return aware.astimezone(UTC)
