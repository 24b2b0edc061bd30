"""The job: where one log-in came from, and what is stored of that."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from bt_security.exceptions import OpenRefused
from bt_security.geo import Location
from bt_security.history.locating import locate
from bt_security.history.privacy import erase_locations, set_geolocation
from bt_security.models import LoginEvent, LoginOutcome
from bt_security.models.login_event import LOCATION_FIELDS
from tests.history.conftest import make_user
from tests.history.places import (
    ADDRESS,
    ANOTHER_ADDRESS,
    IN_MUNICH,
    MUNICH,
    NOWHERE,
    PROVIDER,
    Places,
    choice_of,
    consent,
    copy_sealed,
    logged_in,
    place_of,
)

pytestmark = pytest.mark.django_db

CANARIES = [text.encode() for text in IN_MUNICH.values()]


@pytest.fixture(autouse=True)
def places(settings):
    """A provider that this test answers for."""
    settings.BT_SECURITY_GEO_PROVIDER = PROVIDER
    yield Places
    Places.forget()


@pytest.fixture
def user(db):
    """Somebody who allowed places yesterday."""
    user = make_user("mary")
    consent(user)
    return user


def stored_row(event):
    """The row as the database has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM bt_security_login_event WHERE id = %s", [event.pk])
        return " ".join(map(str, cursor.fetchone())).encode()


@pytest.mark.feature("BT-62")
def test_the_place_of_a_log_in_is_stored(user):
    """With consent, city, region, country and Internet provider of a log-in are stored."""
    event = logged_in(user)
    locate(event.pk)
    assert Places.asked == [ADDRESS]
    assert place_of(event) == IN_MUNICH


@pytest.mark.feature("BT-64")
def test_the_database_does_not_hold_the_place(user):
    """No column of the database holds a place as text."""
    event = logged_in(user)
    locate(event.pk)
    row = stored_row(event)
    assert [canary for canary in CANARIES if canary in row] == []
    assert ADDRESS.encode() not in row


@pytest.mark.parametrize("name", LOCATION_FIELDS)
def test_a_place_does_not_open_in_the_row_of_another_user_or_log_in(user, name):
    event = logged_in(user)
    locate(event.pk)
    for other in (logged_in(make_user("peter")), logged_in(user)):
        copy_sealed(name, event, other)
        with pytest.raises(OpenRefused):
            getattr(LoginEvent.objects.get(pk=other.pk), name)


def test_what_is_known_in_part_is_stored_in_part(user, places):
    places.answers[ADDRESS] = Location(country="Germany")
    event = logged_in(user)
    locate(event.pk)
    assert place_of(event) == {**NOWHERE, "location_country": "Germany"}


@pytest.mark.parametrize("answer", [None, Location(), OSError("down"), RuntimeError("a fault")])
def test_where_nobody_knows_the_columns_stay_empty(user, places, answer):
    places.answers[ADDRESS] = answer
    event = logged_in(user)
    locate(event.pk)
    assert place_of(event) == NOWHERE


@pytest.mark.feature("BT-61")
def test_without_consent_nobody_is_asked(db, places):
    """Without consent no provider is asked, and all columns of the place stay NULL."""
    event = logged_in(make_user("peter"))
    locate(event.pk)
    assert (places.asked, place_of(event)) == ([], NOWHERE)


def test_after_a_withdrawal_nobody_is_asked(user, places):
    event = logged_in(user)
    set_geolocation(user, enabled=False)
    locate(event.pk)
    assert (places.asked, place_of(event)) == ([], NOWHERE)


@pytest.mark.feature("BT-63")
def test_a_log_in_of_before_the_consent_is_not_located(user, places):
    """A consent locates no log-in of before."""
    event = logged_in(user, hours_ago=48)
    locate(event.pk)
    assert (places.asked, place_of(event)) == ([], NOWHERE)


@pytest.mark.feature("BT-63")
def test_consent_that_came_back_is_not_for_log_ins_of_before(user, places):
    """Nor does a consent that was withdrawn and given once more."""
    event = logged_in(user, hours_ago=1)
    set_geolocation(user, enabled=False)
    set_geolocation(user, enabled=True)
    locate(event.pk)
    assert (places.asked, place_of(event)) == ([], NOWHERE)


@pytest.mark.feature("BT-63")
def test_a_change_leaves_what_was_stored(user):
    """A change of the consent leaves stored places as they are."""
    event = logged_in(user)
    locate(event.pk)
    for enabled in (False, True):
        set_geolocation(user, enabled=enabled)
        assert place_of(event) == IN_MUNICH


def test_the_consent_of_another_user_counts_for_nothing(user, places):
    event = logged_in(make_user("peter"))
    locate(event.pk)
    assert (places.asked, place_of(event)) == ([], NOWHERE)


@pytest.mark.parametrize(
    "of",
    [
        {"outcome": LoginOutcome.FAILURE},
        {"outcome": LoginOutcome.FACTOR_FAILED},
        {"is_new_device": False},
    ],
    ids=["failure", "factor failed", "known device"],
)
def test_what_is_no_success_with_a_new_browser_is_not_located(user, places, of):
    event = logged_in(user, **of)
    locate(event.pk)
    assert (places.asked, place_of(event)) == ([], NOWHERE)


@pytest.mark.parametrize("address", ["10.1.2.3", "192.0.2.7", "127.0.0.1", "fd00::1", None])
def test_addresses_that_are_not_public_are_not_asked_for(user, places, address):
    event = logged_in(user, address)
    locate(event.pk)
    assert (places.asked, place_of(event)) == ([], NOWHERE)


def test_where_no_provider_is_set_nothing_is_stored(user, places, settings):
    settings.BT_SECURITY_GEO_PROVIDER = None
    event = logged_in(user)
    locate(event.pk)
    assert (places.asked, place_of(event)) == ([], NOWHERE)


def test_a_second_job_for_the_same_log_in_asks_nobody(user, places):
    event = logged_in(user)
    locate(event.pk)
    places.answers[ADDRESS] = Location(city="Elsewhere")
    locate(event.pk)
    assert (places.asked, place_of(event)) == ([ADDRESS], IN_MUNICH)


def test_of_two_jobs_at_once_the_first_one_stores(user, places):
    event = logged_in(user)
    answers = [Location(city="Elsewhere"), MUNICH]
    places.answers[ADDRESS] = answers[0]

    def be_overtaken():
        places.answers[ADDRESS] = answers[1]
        locate(event.pk)
        places.answers[ADDRESS] = answers[0]

    places.meanwhile.append(be_overtaken)
    locate(event.pk)
    assert (places.asked, place_of(event)) == ([ADDRESS, ADDRESS], IN_MUNICH)


def of_another_row(event):
    copy_sealed("ip_address", logged_in(event.user, ANOTHER_ADDRESS), event)


def of_another_key(event):
    """Have the address name a key that nobody has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ip_address FROM bt_security_login_event WHERE id = %s", [event.pk])
        text = "e1:00000000" + cursor.fetchone()[0][11:]
        values = [text, event.pk]
        cursor.execute("UPDATE bt_security_login_event SET ip_address = %s WHERE id = %s", values)


@pytest.mark.parametrize("spoil", [of_another_row, of_another_key])
def test_an_address_that_does_not_open_is_one_line_without_it(user, places, caplog, spoil):
    event = logged_in(user)
    spoil(event)
    locate(event.pk)
    assert (places.asked, place_of(event)) == ([], NOWHERE)
    (line,) = caplog.messages
    assert line.startswith(f"The place of log-in event {event.uid} is not kept: ")
    assert ADDRESS not in caplog.text


def test_a_log_in_that_is_gone_is_nobodys_concern(user, places):
    event = logged_in(user)
    event.delete()
    locate(event.pk or 4711)
    assert places.asked == []


def test_a_user_deleted_during_the_look_up_stays_deleted(user, places):
    event = logged_in(user)
    places.meanwhile.append(user.delete)
    pk = event.pk
    locate(pk)
    assert places.asked == [ADDRESS]
    assert not LoginEvent.objects.filter(pk=pk).exists()


def test_a_withdrawal_during_the_look_up_counts(user, places):
    event = logged_in(user)
    places.meanwhile.append(lambda: set_geolocation(user, enabled=False))
    locate(event.pk)
    assert (places.asked, place_of(event)) == ([ADDRESS], NOWHERE)


def test_an_erasure_during_the_look_up_counts(user, places):
    event = logged_in(user)
    places.meanwhile.append(lambda: erase_locations(user))
    locate(event.pk)
    assert (places.asked, place_of(event)) == ([ADDRESS], NOWHERE)


def test_after_an_erasure_the_next_log_in_is_located(user):
    erase_locations(user)
    event = logged_in(user)
    locate(event.pk)
    assert place_of(event) == IN_MUNICH


def test_a_log_in_that_went_to_another_user_meanwhile_gets_no_place(user, places):
    event, other = logged_in(user), make_user("peter")
    consent(other)
    moved = LoginEvent.objects.filter(pk=event.pk)
    places.meanwhile.append(lambda: moved.update(user=other))
    locate(event.pk)
    assert place_of(event) == NOWHERE


def test_consent_of_the_same_moment_counts(user):
    event = logged_in(user)
    choice_of(user).update(geolocation_since=event.happened_at)
    locate(event.pk)
    assert place_of(event) == IN_MUNICH


def test_consent_a_moment_later_does_not(user, places):
    event = logged_in(user)
    later = event.happened_at + timedelta(microseconds=1)
    choice_of(user).update(geolocation_since=later)
    locate(event.pk)
    assert later <= timezone.now() + timedelta(seconds=1)
    assert (places.asked, place_of(event)) == ([], NOWHERE)
