"""Pages of one user's log-ins: keyset by time and id, so that each costs what the first one does.

Only the user's own events are ever asked for: there is no way to name anybody else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.views.decorators.debug import sensitive_variables

from bt_security import sessions
from bt_security.history.cursors import Cursor, cursor_text
from bt_security.models import LoginEvent
from bt_security.models.login_event import LoginEventQuerySet

DEFAULT_LIMIT, MAX_LIMIT = 50, 100

_NOT_READ = ("name_digest", "device__digest", "device__label")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What is asked for. Times are aware: from `since` on, before `until`.

    `ip_address` is canonical and found by its blind index, `device` the public id of a device.
    """

    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None
    ip_address: str = field(default="", repr=False)
    device: UUID | None = None

    @sensitive_variables()
    def events(self, user_pk: Any) -> LoginEventQuerySet:
        """Return the events of a user that they leave, the newest first."""
        found = LoginEvent.objects.for_user(user_pk)
        if self.outcome:
            found = found.filter(outcome=self.outcome)
        if self.since is not None:
            found = found.filter(happened_at__gte=self.since)
        if self.until is not None:
            found = found.filter(happened_at__lt=self.until)
        if self.ip_address:
            found = found.filter(ip_address=self.ip_address)
        if self.device is not None:
            found = found.filter(device__uuid=self.device)
        return found

    def names(self) -> list[str]:
        """Return which filters are set, without what they ask for."""
        given = ("outcome", "since", "until", "ip_address", "device")
        return [name for name in given if getattr(self, name)]


class Page(NamedTuple):
    """Some events, the newest first; `older` and `newer` are the cursors of the pages around.

    `live` has the sessions of these events that are not over.
    """

    events: list[LoginEvent]
    live: frozenset[UUID]
    older: str | None
    newer: str | None


NO_FILTERS = Filters()


@sensitive_variables("events", "found")
def page(
    user: AbstractBaseUser,
    *,
    filters: Filters = NO_FILTERS,
    cursor: Cursor | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page:
    """Return a page of a user's log-ins; `limit` is brought into 1 to 100.

    One query for the events, and two for the sessions that they name, if there are any.
    """
    limit = max(1, min(limit, MAX_LIMIT))
    asked = filters.events(user.pk)
    if cursor is not None:
        around = asked.after if cursor.is_newer else asked.before
        asked = around(cursor.happened_at, cursor.pk)
    found = list(asked.select_related("device").defer(*_NOT_READ)[: limit + 1])
    events, has_more = found[:limit], len(found) > limit
    is_back = cursor is not None and cursor.is_newer
    if is_back:
        events.reverse()
    return Page(
        events,
        sessions.live_among(user, {event.session_uuid for event in events if event.session_uuid}),
        _beside(events[-1:], user, is_wanted=is_back or has_more),
        _beside(
            events[:1], user, is_wanted=has_more if is_back else cursor is not None, newer=True
        ),
    )


def _beside(
    at: list[LoginEvent], user: AbstractBaseUser, *, is_wanted: bool, newer: bool = False
) -> str | None:
    if not is_wanted or not at:
        return None
    return cursor_text(Cursor(at[0].happened_at, at[0].pk, newer), user.pk)
