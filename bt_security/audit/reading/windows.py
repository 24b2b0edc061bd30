"""From a period to ranges of ids: the seals say when their entries were recorded.

`AuditEntry` has no index on time. An entry gets its id when it is recorded, so ids and times run
side by side but for clocks that differ and for entries that waited in the spool.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from django.db.models import Model, Q, QuerySet

from bt_security.models import AuditEntry, AuditSeal

CLOCK_SLACK = timedelta(minutes=10)
"""How far the clocks of the site's hosts may be apart."""

_ModelT = TypeVar("_ModelT", bound=Model)


class IdRange(NamedTuple):
    """Ids after `after_id`, up to and with `last_id`; None = as far as there are any."""

    after_id: int | None = None
    last_id: int | None = None

    def as_q(self) -> Q:
        """Return it as a condition on entries."""
        wanted = Q() if self.after_id is None else Q(id__gt=self.after_id)
        return wanted if self.last_id is None else wanted & Q(id__lte=self.last_id)


def id_ranges(since: datetime | None, until: datetime | None) -> list[IdRange]:
    """Return ranges that hold every entry recorded at or after `since` and before `until`.

    They ascend, do not overlap, and may hold other entries as well. Besides the one around the
    period there is one for each later seal with entries that had waited in the spool, and one for
    what is not sealed. Reads the seals from now back to the period.
    """
    after_id = _id_before(since) if since else None
    end = _first_seal_after(until) if until else None
    if until is None or end is None:
        return [IdRange(after_id)]
    # The newest seal first: what is sealed meanwhile stands in two ranges, and in none otherwise.
    unsealed = _unsealed()
    stray = [found for found in _stray(end, since, until) if _is_below(found, unsealed)]
    return [IdRange(after_id, end.last_id), *stray, unsealed]


def recorded_between(
    entries: QuerySet[AuditEntry], since: datetime | None, until: datetime | None
) -> list[QuerySet[AuditEntry]]:
    """Return those of `entries` recorded at or after `since` and before `until`, in parts.

    The ids of each part are above those of the part before; each part is one range for the
    database, which would read too much if they were one query.
    """
    if since is None and until is None:
        return [entries]
    if since is not None:
        entries = entries.filter(recorded_at__gte=since)
    if until is not None:
        entries = entries.filter(recorded_at__lt=until)
    return [entries.filter(ids.as_q()) for ids in id_ranges(since, until)]


def _id_before(since: datetime) -> int | None:
    """Return an id that only older entries have: the last one of a seal made before."""
    seals = AuditSeal.objects.filter(sealed_at__lt=since - CLOCK_SLACK).order_by("-seq")
    return seals.values_list("last_id", flat=True).first()


def _first_seal_after(until: datetime) -> AuditSeal | None:
    """Return a seal made when every id of the period was given out."""
    last_before = (
        AuditSeal.objects.filter(sealed_at__lte=until + CLOCK_SLACK).order_by("-seq").first()
    )
    later = AuditSeal.objects.order_by("seq")
    if last_before is not None:
        later = later.filter(seq__gt=last_before.seq)
    return later.only("seq", "last_id").first()


def _stray(end: AuditSeal, since: datetime | None, until: datetime) -> list[IdRange]:
    seals = AuditSeal.objects.filter(seq__gt=end.seq, first_recorded_at__lt=until)
    if since is not None:
        seals = seals.filter(last_recorded_at__gte=since)
    return [IdRange(*ids) for ids in seals.order_by("seq").values_list("after_id", "last_id")]


def _is_below(ids: IdRange, others: IdRange) -> bool:
    return others.after_id is not None and (ids.last_id or 0) <= others.after_id


def _unsealed() -> IdRange:
    """Return what no seal covers yet: it may come from the spool as well."""
    last = AuditSeal.objects.order_by("-seq").values_list("last_id", flat=True).first()
    return IdRange(last)
