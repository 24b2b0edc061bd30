"""Many events at once, of both kinds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.db import connection, models
from django.utils import timezone

from benchmarks.encryption.tables import vacuum
from bt_security.models import LoginEvent, LoginOutcome

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
ADDRESS = "192.0.2.7"
LABEL = "Firefox on Linux"
EVERY = timedelta(seconds=60)
INSERT_ROWS = 1_000


def person(name: str, **fields: Any) -> Any:
    """Return a user of this name, made where there is none."""
    users = get_user_model()._default_manager
    return users.filter(username=name).first() or users.create_user(username=name, **fields)


def columns(user: Any, moment: datetime) -> dict[str, Any]:
    """Return what an event says that was not located."""
    return {
        "uid": uuid4(),
        "user": user,
        "outcome": LoginOutcome.SUCCESS,
        "method": "password",
        "happened_at": moment,
        "device_label": LABEL,
        "session_uuid": uuid4(),
        "ip_address": ADDRESS,
        "user_agent": AGENT,
    }


def fill(
    model: type[models.Model], user: Any, count: int, *, newest: datetime | None = None
) -> None:
    """Store events of a user, a minute apart, the last one now or at `newest`."""
    end = newest or timezone.now()

    def made() -> Iterator[models.Model]:
        for number in range(count):
            yield model(**columns(user, end - number * EVERY))

    rows = made()
    while part := list(islice(rows, INSERT_ROWS)):
        model._default_manager.bulk_create(part)


def tidy(*chosen: type[models.Model]) -> None:
    """Let the database know what it has."""
    vacuum(*chosen)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def forget_events() -> None:
    """Empty the history past the ORM."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {LoginEvent._meta.db_table}")
