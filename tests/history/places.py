"""A provider of places that a test answers for, log-ins to locate, and what was stored of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import ClassVar

from django.db import connection
from django.utils import timezone

from bt_security.geo import Location
from bt_security.history.privacy import set_geolocation
from bt_security.models import LoginEvent, LoginOutcome, PrivacySettings
from bt_security.models.login_event import LOCATION_FIELDS

PROVIDER = "tests.history.places.Places"
ADDRESS = "93.184.216.34"
ANOTHER_ADDRESS = "8.8.4.4"
MUNICH = Location("Munich", "Bavaria", "Germany", "Isar Net", 48.1374, 11.5755)
SYDNEY = Location("Sydney", "New South Wales", "Australia", "Harbour", -33.8688, 151.2093)
NOWHERE = dict.fromkeys(LOCATION_FIELDS)
IN_MUNICH = dict(
    zip(LOCATION_FIELDS, ("Munich", "Bavaria", "Germany", "Isar Net", "48.14,11.58"), strict=True)
)


class Places:
    """Answers each question as the test says, after what the test wants to happen meanwhile."""

    asked: ClassVar[list[str]] = []
    answers: ClassVar[dict[str, Location | Exception | None]] = {}
    meanwhile: ClassVar[list[Callable[[], object]]] = []

    def lookup(self, address):
        self.asked.append(address)
        if self.meanwhile:
            self.meanwhile.pop()()
        answer = self.answers.get(address, MUNICH)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @classmethod
    def forget(cls):
        cls.asked.clear()
        cls.answers.clear()
        cls.meanwhile.clear()


def consent(user, *, days_ago=1.0):
    """Let the user have allowed places a while ago."""
    set_geolocation(user, enabled=True)
    since = timezone.now() - timedelta(days=days_ago)
    choice_of(user).update(geolocation_since=since)


def choice_of(user):
    return PrivacySettings.objects.filter(user_id=user.pk)


def logged_in(user, address=ADDRESS, *, hours_ago=0.0, **of):
    """An event as a log-in with a new browser leaves it."""
    known = {
        "outcome": LoginOutcome.SUCCESS,
        "is_new_device": True,
        "happened_at": timezone.now() - timedelta(hours=hours_ago),
    }
    return LoginEvent.objects.create(user=user, ip_address=address, **{**known, **of})


def place_of(event):
    """What is stored of the place of an event, opened."""
    stored = LoginEvent.objects.get(pk=event.pk)
    return {name: getattr(stored, name) for name in LOCATION_FIELDS}


def travel_of(event):
    stored = LoginEvent.objects.get(pk=event.pk)
    return stored.travel_km, stored.travel_kmh


def copy_sealed(name, source, target):
    """Have a row hold the sealed text of another one."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE bt_security_login_event SET {name} = (SELECT place FROM (SELECT {name} AS "
            "place FROM bt_security_login_event WHERE id = %s) AS one) WHERE id = %s",
            [source.pk, target.pk],
        )
