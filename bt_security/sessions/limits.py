"""The idle limit, and how often the time of the last request is written."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils import timezone

from bt_security.conf import conf


def idle_since() -> datetime | None:
    """Return the time since which a session must have been used, None without an idle limit."""
    seconds = conf.sessions.idle_seconds
    return timezone.now() - timedelta(seconds=seconds) if seconds else None


class Moment(NamedTuple):
    """What times mean to a session that is loaded now; settings are read once for all of them."""

    now: datetime
    idle_since: datetime | None
    note_use_before: datetime

    def is_idle(self, last_seen_at: datetime) -> bool:
        """Whether a session was not used for too long."""
        return self.idle_since is not None and last_seen_at <= self.idle_since

    def should_note_use(self, last_seen_at: datetime) -> bool:
        """Whether the time of the last request is old enough to be written again."""
        return last_seen_at <= self.note_use_before


def this_moment() -> Moment:
    """Return the limits as they are now."""
    now = timezone.now()
    idle_seconds = conf.sessions.idle_seconds
    interval: float = conf.sessions.last_seen_interval_seconds
    if not idle_seconds:
        return Moment(now, None, now - timedelta(seconds=interval))
    interval = min(interval, idle_seconds / 4)  # a short limit must not end what is in use
    return Moment(now, now - timedelta(seconds=idle_seconds), now - timedelta(seconds=interval))
