"""Pages of the log: keyset by id, so that page 10,000 costs what the first one does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.utils import timezone

from bt_security.audit.canonical import clean_text
from bt_security.audit.reading.shown import actor_kind_name
from bt_security.audit.reading.windows import recorded_between
from bt_security.audit.recording import record
from bt_security.audit.seals.ranges import Ranges
from bt_security.audit.tags import address_tags
from bt_security.conf import conf
from bt_security.models import ActorKind, AuditEntry, AuditSeal, Outcome

READ = "audit.read"
LATE_SEALS_READ = 2_000
_TEXT_COLUMNS = ("action", "reason", "via", "target_id")
_MAX_CHARS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What is asked for. Times are aware: from `since` on, before `until`.

    `actor` is an id or "kind:id", `target` a kind or "kind:id", `address` a canonical IP address,
    `text` any part of an entry. Action, actor, and a target with its id, have an index; all else
    looks through a period, by default the last `BT_SECURITY_AUDIT_SEARCH_WINDOW_DAYS`.
    """

    action: str = ""
    outcome: int | None = None
    actor: str = ""
    target: str = ""
    address: str = ""
    request_id: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def __repr__(self) -> str:
        return f"<Filters {self.action} {self.actor} {self.target}>"

    @property
    def needs_period(self) -> bool:
        """Whether something is asked for that no index answers."""
        has_no_index = (self.address, self.request_id, self.text, self.outcome is not None)
        return any(has_no_index) or bool(self.target and not _named(self.target)[1])

    def within_period(self) -> Filters:
        """Return them with a period, where they need one and have no start."""
        if self.since is not None or not self.needs_period:
            return self
        days = timedelta(days=conf.audit.search_window_days)
        return replace(self, since=(self.until or timezone.now()) - days)

    def entries(self) -> list[QuerySet[AuditEntry]]:
        """Return the entries they leave, in parts; ids of each are above those of the one before.

        Reads seals where there is a period.
        """
        found = AuditEntry.objects.all()
        if self.action:
            found = found.with_action(self.action)
        if self.outcome is not None:
            found = found.filter(outcome=self.outcome)
        if self.actor:
            found = found.filter(_actor(self.actor))
        if self.target:
            found = found.about(*_named(self.target))
        if self.address:
            found = found.from_address(address_tags(self.address))
        if self.request_id:
            found = found.filter(request_id=self.request_id)
        if self.text:
            found = found.filter(_containing(self.text))
        return recorded_between(found, self.since, self.until)

    def said(self) -> dict[str, Any]:
        """Return what is asked for, but for address and text, which may be about a person."""
        names = ("action", "actor", "target", "request_id", "since", "until")
        said = {name: getattr(self, name) for name in names if getattr(self, name)}
        if self.outcome is not None:
            said["outcome"] = Outcome(self.outcome).name.lower()
        return said


class Page(NamedTuple):
    """Some entries, the newest first; `older` and `newer` are the cursors of the pages around."""

    entries: list[AuditEntry]
    older: int | None
    newer: int | None


def read_page(
    parts: Sequence[QuerySet[AuditEntry]],
    *,
    limit: int,
    before: int | None = None,
    after: int | None = None,
    without: Sequence[str] = (),
) -> Page:
    """Return at most `limit` entries with ids below `before`, or next above `after`.

    One query, and one more for each further part that is needed. `parts` are those of
    `Filters.entries`; the columns `without` are not read.
    """
    if after is not None:
        above = [part.filter(id__gt=after).order_by("id") for part in parts]
        found = _first_of(above, limit + 1, without)
        shown = found[:limit][::-1]
        newer = shown[0].pk if len(found) > limit else None
        return Page(shown, shown[-1].pk if shown else None, newer)
    if before is not None:
        parts = [part.filter(id__lt=before) for part in parts]
    below = [part.order_by("-id") for part in reversed(parts)]
    found = _first_of(below, limit + 1, without)
    shown = found[:limit]
    newer = shown[0].pk if shown and before is not None else None
    return Page(shown, shown[-1].pk if len(found) > limit else None, newer)


def record_reading(
    page: str, filters: Filters, *, count: int, before: int | None = None, after: int | None = None
) -> None:
    """Record that someone has read entries, and which; searched addresses and texts sealed.

    Raises:
        AuditUnavailable: it cannot be recorded, so nothing may be shown.
    """
    place = {"before": before, "after": after}
    details = {
        "page": page,
        "entries": count,
        **filters.said(),
        **{name: cursor for name, cursor in place.items() if cursor is not None},
    }
    searched = {"searched_address": filters.address, "searched_text": filters.text[:_MAX_CHARS]}
    record(READ, details=details, personal=searched)


def record_reading_one(entry: AuditEntry) -> None:
    """Record that someone has read one entry with its personal data.

    Raises:
        AuditUnavailable: it cannot be recorded, so nothing may be shown.
    """
    record(READ, target=f"{entry._meta.label_lower}:{entry.uid}", details={"page": "entry"})


def record_timeline(span: str, *, action: str = "") -> None:
    """Record that someone has read how many entries there were, of one action or all.

    Raises:
        AuditUnavailable: it cannot be recorded, so nothing may be shown.
    """
    chosen = {"action": action} if action else {}
    record(READ, details={"page": "timeline", "span": span, **chosen})


def seal_of(entry: AuditEntry) -> AuditSeal | None:
    """Return the seal that covers an entry, None while there is none."""
    seals = AuditSeal.objects.only("seq", "gaps", "late", "sealed_at")
    first = (
        seals.filter(last_id__gte=entry.pk, after_id__lt=entry.pk)
        .order_by("last_id", "seq")
        .first()
    )
    if first is None or entry.pk not in _ids(first.gaps):
        return first
    later = seals.filter(seq__gt=first.seq).exclude(late="[]").order_by("seq")
    seen = later[:LATE_SEALS_READ]
    return next((seal for seal in seen if entry.pk in _ids(seal.late)), None)


def _first_of(
    parts: Sequence[QuerySet[AuditEntry]], count: int, without: Sequence[str]
) -> list[AuditEntry]:
    found: list[AuditEntry] = []
    for part in parts:
        if len(found) < count:
            found += part.defer(*without)[: count - len(found)]
    return found


def _ids(text: str) -> Ranges:
    """Return a seal's list; one that cannot be read, which verification reports, as empty."""
    try:
        return Ranges.parse(text)
    except ValueError:
        return Ranges()


def _named(target: str) -> tuple[str, str]:
    """Return kind and id as entries have them; "user:5" is the user model's."""
    kind, _, target_id = target.partition(":")
    return get_user_model()._meta.label_lower if kind == "user" else kind, target_id


def _actor(actor: str) -> Q:
    kind_name, colon, actor_id = actor.partition(":")
    for kind in ActorKind:
        if colon and actor_kind_name(kind) == kind_name:
            return Q(actor_id=actor_id, actor_kind=kind)
    return Q(actor_id=actor)


def _containing(text: str) -> Q:
    """Return the condition that a column or the body has this text, as it is written there."""
    in_body = json.dumps(text)[1:-1]
    wanted = Q(body__icontains=in_body)
    cleaned = clean_text(text, max_chars=_MAX_CHARS)
    for column in _TEXT_COLUMNS:
        wanted |= Q(**{f"{column}__icontains": cleaned})
    return wanted
