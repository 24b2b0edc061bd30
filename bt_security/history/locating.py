"""Where a log-in came from, for those who want it kept."""

from __future__ import annotations

import logging
import time
from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import router, transaction
from django.db.transaction import TransactionManagementError
from django.views.decorators.debug import sensitive_variables

from bt_security import audit, geo
from bt_security.conf import conf
from bt_security.exceptions import BTSecurityError, OpenRefused
from bt_security.fields import Sealed
from bt_security.geo import Location
from bt_security.history import travel
from bt_security.history.privacy import may_locate_event
from bt_security.models import LoginEvent, LoginOutcome
from bt_security.models.login_event import LOCATION_FIELDS, LoginEventQuerySet
from bt_security.net.addresses import is_public, parse_address

logger = logging.getLogger("bt_security.history")

NO_QUEUES = frozenset(
    f"{package}.backends.{name}"
    for package in ("django.tasks", "django_tasks")
    for name in ("immediate.ImmediateBackend", "dummy.DummyBackend")
)
"""Backends for tasks that run them at once, in the request, or never."""

ANSWER_SECONDS = 0.2
"""How long a job of this process leaves the processor to the answer of its own log-in."""

_JOBS = "bt_security.history.jobs"


def schedule(event: LoginEvent) -> None:
    """Have the place of a stored event looked up after commit, if its user wants that.

    Only a success with a new browser and a public address is looked up. Never raises: what fails
    after the commit is logged by Django.
    """
    if event.outcome != LoginOutcome.SUCCESS or not event.is_new_device:
        return

    def hand_over() -> None:
        if geo.is_on() and _is_public(event) and may_locate_event(event):
            _hand_over(event.pk)

    try:
        transaction.on_commit(hand_over, using=_alias(), robust=True)
    except TransactionManagementError:  # the site commits by hand, which Django does not see
        logger.warning("The place of log-in event %s is not looked up.", event.uid)


@sensitive_variables()
def locate(event_pk: int) -> None:
    """Look up where a log-in came from and store it, if the user still wants that. The job.

    Nothing is stored where the provider does not know, or has failed, or the address does not
    open. Records `history.impossible_travel`.
    """
    event = _to_locate(event_pk).first()
    if event is None or not geo.is_on() or not may_locate_event(event):
        return
    try:
        location = geo.look_up(event.ip_address or "")
        if location is not None:
            _store(event, location)
    except BTSecurityError as error:
        failure = type(error).__name__
        logger.warning("The place of log-in event %s is not kept: %s.", event.uid, failure)


def has_queue() -> bool:
    """Whether the site has a backend for Django's tasks that runs them outside of requests."""
    backends = getattr(settings, "TASKS", None) or {}
    backend = backends.get("default", {}).get("BACKEND", "")
    return bool(backend) and backend not in NO_QUEUES


def _hand_over(event_pk: int) -> None:
    if has_queue():
        import_module(_JOBS).locate_login.enqueue(event_pk)
    else:
        geo.run_later(_locate_from, time.monotonic() + ANSWER_SECONDS, event_pk)


def _locate_from(moment: float, event_pk: int) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
    locate(event_pk)


@sensitive_variables()
def _is_public(event: LoginEvent) -> bool:
    address = parse_address(event.ip_address or "")
    return address is not None and is_public(address)


@sensitive_variables()
def _store(event: LoginEvent, location: Location) -> None:
    """Store a location once, unless the event is gone or the user has changed their mind.

    The event comes first, then the question: whoever withdraws or erases in between finds the
    stored place, or is found.
    """
    point = travel.point_of(location)
    sealed = _sealed(event, location, point)
    journey = _journey(event, point)
    with transaction.atomic(using=_alias()):
        rows = _to_locate(event.pk).filter(user_id=event.user_id, uid=event.uid)
        if not rows.update(
            **sealed,
            travel_km=journey.km if journey else None,
            travel_kmh=journey.kmh if journey else None,
        ):
            return
        if not may_locate_event(event):
            transaction.set_rollback(True, using=_alias())
        elif journey is not None:
            _report(event, journey)


@sensitive_variables()
def _sealed(
    event: LoginEvent, location: Location, point: travel.Point | None
) -> dict[str, Sealed | None]:
    """Return the columns' values; what is unknown is None."""
    values = {
        "location_city": location.city,
        "location_region": location.region,
        "location_country": location.country,
        "location_isp": location.isp,
        "location_point": "" if point is None else str(point),
    }
    for name, value in values.items():
        setattr(event, name, value or None)
    fields: dict[str, Any] = {name: LoginEvent._meta.get_field(name) for name in values}
    return {name: field.pre_save(event, False) for name, field in fields.items()}


@sensitive_variables()
def _journey(event: LoginEvent, point: travel.Point | None) -> travel.Journey | None:
    """Return how the user would have come here from the last located log-in, if nobody can."""
    max_kmh = conf.history.travel_max_kmh
    if point is None or not max_kmh:
        return None
    earlier = _rows().for_user(event.user_id).before(event.happened_at, event.pk)
    last = earlier.filter(
        outcome=LoginOutcome.SUCCESS, disowned_at=None, location_point__isnull=False
    ).first()
    start = None if last is None else _stored_point(last)
    if last is None or start is None:
        return None
    seconds = (event.happened_at - last.happened_at).total_seconds()
    return travel.impossible(start, point, seconds=seconds, max_kmh=max_kmh)


def _stored_point(event: LoginEvent) -> travel.Point | None:
    """Return where a log-in came from; one that does not open tells nothing."""
    try:
        return travel.parse_point(event.location_point or "")
    except OpenRefused:
        return None


def _report(event: LoginEvent, journey: travel.Journey) -> None:
    audit.record(
        "history.impossible_travel",
        target=f"user:{event.user_id}",
        details={"event": str(event.uid), "km": journey.km, "kmh": journey.kmh},
        actor="task:history.locate",
    )


def _to_locate(event_pk: int) -> LoginEventQuerySet:
    """Return the event, if it is one to locate and is not located yet."""
    return _rows().filter(
        pk=event_pk,
        outcome=LoginOutcome.SUCCESS,
        is_new_device=True,
        **{f"{name}__isnull": True for name in LOCATION_FIELDS},
    )


def _rows() -> LoginEventQuerySet:
    """Return the events as the database has them that is written to: a copy may be late."""
    return LoginEventQuerySet(LoginEvent, using=_alias())


def _alias() -> str:
    return router.db_for_write(LoginEvent)
